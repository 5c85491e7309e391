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
               WHEN 'case' THEN 't.pip_case_id IN (SELECT c.pip_case_id FROM perf.pip_case c WHERE c.closed_on < $1)'
               WHEN 'appeal' THEN 't.appeal_id IN (SELECT a.appeal_id FROM perf.appeal a JOIN perf.pip_case c USING (employee_id, pip_case_id) WHERE c.closed_on < $1)'
               ELSE v.clock END
    FROM (VALUES
        ('author_links', 'release_group', 'cycle'),
        ('author_links', 'own_nomination', 'cycle'),
        ('author_links', 'feedback_draft', 'cycle'),
        ('author_links', 'feedback_reminder', 'cycle'),
        ('author_links', 'preliminary_rating', 'cycle'),
        ('author_links', 'feedback_item', 'cycle'),
        ('author_links', 'feedback', 'cycle'),
        ('author_links', 'nomination', 'cycle'),
        ('author_links', 'own_nomination', 'cycle'),
        ('author_links', 'feedback_draft', 'cycle'),
        ('author_links', 'feedback_reminder', 'cycle'),
        ('author_links', 'principle_rating', 'cycle'),
        ('author_links', 'release_group', 'cycle'),
        ('ratings', 'calibration_change', 'cycle'),
        ('ratings', 'session_subject', 'cycle'),
        ('ratings', 'overall_value', 'cycle'),
        ('ratings', 'assessment', 'cycle'),
        ('ratings', 'goal', 'cycle'),
        ('ratings', 'accomplishment', 'upper(t.achieved_during) < $1'),
        ('released', 'development_goal', 't.closed_at < $1'),
        ('released', 'forte_plan', 't.pip_case_id IN (SELECT k.pip_case_id FROM perf.pip_case k WHERE k.closed_on < $1)'),
        ('released', 'forte_text', 'cycle'),
        ('released', 'forte_label', 'cycle'),
        ('released', 'forte_summary', 'cycle'),
        ('released', 'forte_score', 'cycle'),
        ('released', 'forte_plan', 't.pip_case_id IN (SELECT p.pip_case_id FROM perf.pip_case p WHERE p.closed_on < $1)'),
        ('released', 'forte_text', 'cycle'),
        ('released', 'development_goal', 't.from_cycle_id IN (SELECT c.review_cycle_id FROM perf.review_cycle c WHERE c.released_at < $1)'),
        ('released', 'review_acknowledgement', 'cycle'),
        ('released', 'rating_dispute', 'cycle'),
        ('pip', 'appeal_vote', 'appeal'),
        ('pip', 'appeal_member', 'appeal'),
        ('pip', 'appeal', 'case'),
        ('pip', 'pip_milestone', 'case'),
        ('pip', 'pip_plan', 'case'),
        ('pip', 'pip_pause', 'case'),
        ('pip', 'coaching_note', 'case'),
        ('pip', 'severance_offer', 'case'),
        ('pip', 'pip_reminder', 'case'),
        ('pip', 'forte_plan', 'case'),
        ('pip', 'pip_event', 'case'),
        ('pip', 'pip_case', 't.closed_on < $1'),
        ('pip', 'transfer_request', 't.decided_at < $1'),
        ('separations', 'separation', 't.left_on < $1')
    ) AS v(category, table_name, clock)
$$;
COMMENT ON FUNCTION perfmgmt.retained_table() IS
'What each category of perf.retention_rule is about: the tables, in the order in which purge_expired() deletes, and when a row t has expired on a day $1 (the day minus the months of the rule). A domain adds its tables here.';

CREATE FUNCTION perfmgmt.erased_beside()
RETURNS TABLE (table_name text, column_name text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    VALUES ('delegation', 'principal_id'), ('delegation', 'delegate_id'), ('feedback_draft', 'subject_id')
$$;
COMMENT ON FUNCTION perfmgmt.erased_beside() IS
'Columns that name the person a row is about where employee_id does not: erase_subject() deletes these rows as well. A domain adds its tables here.';

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
          AND (c.relname IN (SELECT b.table_name FROM perfmgmt.erased_beside() b)
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
