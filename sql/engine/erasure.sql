-- erasure: what may be erased when, and the rights of the one role that erases.

CREATE FUNCTION perfmgmt.retained_table()
RETURNS TABLE (category text, table_name text, expired_when text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- children before what they refer to; t: the row, $1: the day
    SELECT v.category, v.table_name,
           CASE v.clock
               WHEN 'cycle' THEN 't.review_cycle_id IN (SELECT c.review_cycle_id FROM perf.review_cycle c WHERE c.released_at < $1)'
               ELSE v.clock END
    FROM (VALUES
        ('author_links', 'preliminary_rating', 'cycle'),
        ('author_links', 'feedback_item', 't.feedback_id IN (SELECT f.feedback_id FROM perf.feedback f JOIN perf.review_cycle c USING (review_cycle_id) WHERE c.released_at < $1)'),
        ('author_links', 'feedback', 'cycle'),
        ('author_links', 'nomination', 'cycle'),
        ('author_links', 'principle_rating', 'cycle'),
        ('ratings', 'calibration_change', 'cycle'),
        ('ratings', 'session_subject', 'cycle'),
        ('ratings', 'overall_value', 'cycle'),
        ('ratings', 'assessment', 'cycle'),
        ('ratings', 'goal', 'cycle'),
        ('ratings', 'accomplishment', 'upper(t.achieved_during) < $1'),
        ('released', 'forte_label', 'cycle'),
        ('released', 'forte_summary', 'cycle'),
        ('released', 'forte_score', 'cycle'),
        ('released', 'review_acknowledgement', 'cycle'),
        ('released', 'rating_dispute', 'cycle'),
        ('separations', 'separation', 't.left_on < $1')
    ) AS v(category, table_name, clock)
$$;
COMMENT ON FUNCTION perfmgmt.retained_table() IS
'What each category of perf.retention_rule is about: the tables, in the order in which purge_expired() deletes, and when a row t has expired on a day $1 (the day minus the months of the rule). A domain adds its tables here.';

-- perfmgmt_ledger deletes rows of people, and nobody becomes it: its routines do so
-- for a decision alone.
CREATE PROCEDURE perfmgmt.let_erase()
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    part record;
BEGIN
    FOR part IN
        SELECT c.oid::regclass AS relation,
               EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'erase') AS has_policy
        FROM pg_class c
        WHERE c.relnamespace = 'perf'::regnamespace AND c.relkind IN ('r', 'p') AND c.relrowsecurity
          AND c.relowner <> to_regrole('perfmgmt_ledger')
          AND (c.relname = 'delegation'
               OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'employee_id' AND NOT a.attisdropped))
    LOOP
        EXECUTE format('GRANT SELECT, DELETE ON %s TO perfmgmt_ledger', part.relation);
        IF NOT part.has_policy THEN
            EXECUTE format('CREATE POLICY erase ON %s TO perfmgmt_ledger USING (true) WITH CHECK (true)', part.relation);
        END IF;
    END LOOP;
END
$$;
COMMENT ON PROCEDURE perfmgmt.let_erase() IS
'Lets the routines that erase reach each table about a person. Run by install(); run it after adding a table of your own.';
