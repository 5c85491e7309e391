-- Lines of managers: the operators of the leaders' policies, leakproof, so that
-- an index serves them beside other policies, and the operator class for it.

CREATE FUNCTION perfmgmt.chain_contains(chain int[], people int[]) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF
AS 'MODULE_PATHNAME', 'perfmgmt_chain_contains';
COMMENT ON FUNCTION perfmgmt.chain_contains(int[], int[]) IS 'Whether all these people are in a line of managers; false where an array holds NULL. Behind the operator @>.';

CREATE FUNCTION perfmgmt.chain_overlaps(chain int[], people int[]) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF
AS 'MODULE_PATHNAME', 'perfmgmt_chain_overlaps';
COMMENT ON FUNCTION perfmgmt.chain_overlaps(int[], int[]) IS 'Whether any of these people is in a line of managers; false where an array holds NULL. Behind the operator &&.';

CREATE FUNCTION perfmgmt.chain_contains_selectivity(internal, oid, internal, int) RETURNS float8
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_chain_contains_selectivity';
COMMENT ON FUNCTION perfmgmt.chain_contains_selectivity(internal, oid, internal, int) IS 'The planner''s estimate for @>, as for PostgreSQL''s own.';

CREATE FUNCTION perfmgmt.chain_overlaps_selectivity(internal, oid, internal, int) RETURNS float8
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_chain_overlaps_selectivity';
COMMENT ON FUNCTION perfmgmt.chain_overlaps_selectivity(internal, oid, internal, int) IS 'The planner''s estimate for &&, as for PostgreSQL''s own.';

CREATE OPERATOR perfmgmt.@> (
    LEFTARG = int[], RIGHTARG = int[], FUNCTION = perfmgmt.chain_contains,
    RESTRICT = perfmgmt.chain_contains_selectivity, JOIN = arraycontjoinsel);
COMMENT ON OPERATOR perfmgmt.@> (int[], int[]) IS 'Line of managers holds all these people; leakproof.';

CREATE OPERATOR perfmgmt.&& (
    LEFTARG = int[], RIGHTARG = int[], FUNCTION = perfmgmt.chain_overlaps,
    RESTRICT = perfmgmt.chain_overlaps_selectivity, JOIN = arraycontjoinsel);
COMMENT ON OPERATOR perfmgmt.&& (int[], int[]) IS 'Line of managers holds any of these people; leakproof.';

-- the strategy numbers are those of PostgreSQL's array_ops, whose functions these are
CREATE OPERATOR CLASS perfmgmt.chain_ops FOR TYPE int[] USING gin AS
    OPERATOR 1 perfmgmt.&& (int[], int[]),
    OPERATOR 2 perfmgmt.@> (int[], int[]),
    FUNCTION 1 btint4cmp (int, int),
    FUNCTION 2 ginarrayextract (anyarray, internal, internal),
    FUNCTION 3 ginqueryarrayextract (anyarray, internal, smallint, internal, internal, internal, internal),
    FUNCTION 4 ginarrayconsistent (internal, smallint, anyarray, int, internal, internal, internal, internal),
    FUNCTION 6 ginarraytriconsistent (internal, smallint, anyarray, int, internal, internal, internal),
    STORAGE int;
COMMENT ON OPERATOR CLASS perfmgmt.chain_ops USING gin IS 'Index on manager_chain for the operators @> and && of perfmgmt.';

-- Reading files of comma-separated values, for the imports.

CREATE FUNCTION perfmgmt.csv_records(lines text[])
RETURNS TABLE (line_number int, fields text[])
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 1000
AS 'MODULE_PATHNAME', 'perfmgmt_csv_records';
COMMENT ON FUNCTION perfmgmt.csv_records(text[]) IS
'records of a file of comma-separated values (RFC 4180), given as its physical lines in order: line_number is the first physical line of the record, from 1; fields has an element a field.
An empty field is NULL, a quoted empty field is an empty string; a quoted field may hold commas, quotes written twice and line ends (given back as line feeds). Empty lines are skipped. A byte order mark before line 1 and a carriage return at the end of a line are removed; other white space is kept.
A malformed record (a quote inside a field without quotes, text after a closing quote, a quote that never closes) has fields NULL, and reading starts anew on the line after line_number.
Errors: 2202E lines with more than one dimension';
