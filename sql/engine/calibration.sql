-- Quota arithmetic: seats from weights, tiers from ranks. src/calibration.c

CREATE FUNCTION perfmgmt.apportion(seats int, weights int[], method text DEFAULT 'hamilton')
RETURNS int[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_apportion';
COMMENT ON FUNCTION perfmgmt.apportion(int, int[], text) IS
'Divides seats (people, 0 or more) in proportion to weights (one per tier, best first, each 0 or more, their sum 1 to 2147483647). Returns one number of people per weight; they sum to seats, and a zero weight gets none. Methods: hamilton (largest remainder), webster, huntington_hill, dhondt; exact integers; ties go to the earlier element. Hamilton always stays within floor and ceiling of the exact share, but one seat more may cost an element a seat. Errors: negative or NULL elements, no positive weight, several dimensions, unknown method, sum out of range. Source: Balinski and Young, Fair Representation, 1982.';

CREATE FUNCTION perfmgmt.apportion_bounded(seats int, weights int[], sets int[],
	minimums int[], maximums int[], set_names text[] DEFAULT NULL)
RETURNS int[]
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_apportion_bounded';
COMMENT ON FUNCTION perfmgmt.apportion_bounded(int, int[], int[], int[], int[], text[]) IS
'Divides seats as apportion does by hamilton, under bounds. Weights: one per tier, best first, 1 to 31 tiers. Each element of sets is a set of tiers, the sum of 1 for the best, 2 for the next, 4, 8 and so on; sets are disjoint or nested. Minimums and maximums bound the people of each set, 0 or more, NULL = no bound; a set given twice keeps both. Returns the people per tier that keep all bounds and minimise the sum of (W x people - seats x weight)^2, W the sum of weights; of equals the one with most in the best tier, then in the next; without binding bounds that is hamilton. Errors: PM009 when bounds cannot hold, naming the set by set_names or by its tiers, and when sets overlap; NULL arguments but set_names; else as for apportion.';

CREATE FUNCTION perfmgmt.bounds_conflict(seats int, tier_count int, sets int[],
	minimums int[], maximums int[], set_names text[] DEFAULT NULL)
RETURNS text
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_bounds_conflict';
COMMENT ON FUNCTION perfmgmt.bounds_conflict(int, int, int[], int[], int[], text[]) IS
'Can bounds hold for this many people (seats, 0 or more) in tier_count tiers (1 to 31)? Sets, minimums, maximums and set_names as for apportion_bounded. Returns NULL when they can, else the name of the first set that cannot, smaller sets first, of equal size the one with the best tier: its element of set_names, or its tiers ("tiers 2, 3, 4"), or "all tiers" when the seats as a whole do not fit. Errors: as for apportion_bounded, but never for bounds that cannot hold.';

CREATE FUNCTION perfmgmt.apportion_groups(sizes int[], weights int[],
	OUT group_no int, OUT quotas int[])
RETURNS SETOF record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 1000
AS 'MODULE_PATHNAME', 'perfmgmt_apportion_groups';
COMMENT ON FUNCTION perfmgmt.apportion_groups(int[], int[]) IS
'Divides many groups at once. Sizes are people, one number per group, 0 or more; weights as for apportion. Returns a row per group: group_no counts sizes from 1, quotas are its people per tier. Each row sums to its size, each quota is the floor or ceiling of its exact share, and each column total is the floor or ceiling of its exact total. Deterministic; O(groups x tiers^2). Errors as for apportion. Source: controlled rounding, Cox, Journal of the American Statistical Association 82, 1987.';

CREATE FUNCTION perfmgmt.forced_tier_support(internal)
RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_forced_tier_support';
COMMENT ON FUNCTION perfmgmt.forced_tier_support(internal) IS
'Planner support of forced_tier: monotonic for constant arguments, so that "tier <= 2" becomes a Run Condition; the cheapest frame from PostgreSQL 16 on. Not to be called.';

CREATE FUNCTION perfmgmt.forced_tier(weights int[], method text DEFAULT 'hamilton', ties text DEFAULT 'strict')
RETURNS int
LANGUAGE c WINDOW IMMUTABLE PARALLEL SAFE
SUPPORT perfmgmt.forced_tier_support
AS 'MODULE_PATHNAME', 'perfmgmt_forced_tier';
COMMENT ON FUNCTION perfmgmt.forced_tier(int[], text, text) IS
'Window function: the tier of the row, 1 = best, by its position in the partition. The rows of the partition are apportioned to weights by method, as apportion does; weights that are the seats of the partition are reproduced. Ties: strict deals by position; include gives rows of equal rank the tier of the first of them, exclude that of the last. People without OV must be filtered out, because DESC alone puts NULL first. Errors: as for apportion, NULL arguments, unknown ties mode, arguments that change within a partition.';

CREATE FUNCTION perfmgmt.assign_tiers(query text, seats int[],
	OUT id int, OUT tier int)
RETURNS SETOF record
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 1000 ROWS 100000
AS 'MODULE_PATHNAME', 'perfmgmt_assign_tiers';
COMMENT ON FUNCTION perfmgmt.assign_tiers(text, int[]) IS
'Tiers of many pools in bulk, equal to forced_tier over each pool. Query is run read-only with the rights of the caller and returns, in this order, id int, pool int (1 to the rows of seats), ov_points int and lp_points int (0 to 65534), lot bigint. Seats is two-dimensional: a row a pool, a column a tier, best first, in people. Ranks each pool by ov_points descending, lp_points descending nulls last, lot ascending. Returns a row per person in no particular order; tier 1 = best, NULL for a person without ov_points, who takes no seat. Memory is bounded by work_mem; more people go to temporary files. Errors: wrong columns, values out of range, NULL id, pool or lot, seats that do not sum to the ranked people of their pool.';
