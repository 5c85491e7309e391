-- Statistics over counts and durations: exact test, survival with censoring.

CREATE FUNCTION perfmgmt.fisher_exact(a int, b int, c int, d int, alternative text DEFAULT 'two-sided')
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_fisher_exact';
COMMENT ON FUNCTION perfmgmt.fisher_exact(int, int, int, int, text) IS
'Fisher''s exact test of the table a b / c d: the p-value, 0..1, of counts as uneven as these, given the sums of rows and columns.
alternative: two-sided, the sum over all tables no more probable than this one (within 1e-7, relative); less and greater, over tables with at most, at least a in the first cell.
Relative error under 1e-9 for any int counts, under 1e-12 up to a million; the same bits on every machine, since it adds, multiplies and divides alone. An empty table gives 1.
Errors: 22023 negative count, unknown alternative.';

CREATE FUNCTION perfmgmt.kaplan_meier_accum(state double precision[], duration double precision, observed boolean)
RETURNS double precision[]
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_kaplan_meier_accum';
COMMENT ON FUNCTION perfmgmt.kaplan_meier_accum(double precision[], double precision, boolean) IS
'transition function of kaplan_meier_median: adds a duration, with the sign set when it is censored';

CREATE FUNCTION perfmgmt.kaplan_meier_median_final(state double precision[])
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_kaplan_meier_median_final';
COMMENT ON FUNCTION perfmgmt.kaplan_meier_median_final(double precision[]) IS
'final function of kaplan_meier_median';

CREATE AGGREGATE perfmgmt.kaplan_meier_median(duration double precision, observed boolean)
(
    SFUNC = perfmgmt.kaplan_meier_accum,
    STYPE = double precision[],
    INITCOND = '{}',
    FINALFUNC = perfmgmt.kaplan_meier_median_final,
    FINALFUNC_MODIFY = READ_ONLY,
    COMBINEFUNC = array_cat,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE perfmgmt.kaplan_meier_median(double precision, boolean) IS
'Median duration with censoring (Kaplan-Meier): the smallest duration that at most half outlast. observed: whether it ended; false: it still went on at that age.
NULL when more than half may still outlast every duration seen, and without rows; rows with a NULL are skipped. The unit is that of duration.
Error 22023: a duration is negative, infinite or not a number.';
