-- Feedback: who names whom, who writes what when, what each one sees of it, and
-- the export of everything about one person.
SELECT * FROM no_plan() \g /dev/null
SET search_path = public, perf, perfmgmt;
SET client_min_messages = warning;

-- What a statement answers to a person in a role, in a transaction of its own.
CREATE TABLE heard (place int GENERATED ALWAYS AS IDENTITY, actor int, label text, answer text);
GRANT INSERT ON heard TO PUBLIC;
CREATE FUNCTION answer(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
    has_detail text;
    has_hint text;
BEGIN
    EXECUTE statement INTO result;
    RETURN coalesce(nullif(result, ''), 'done');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS has_detail = PG_EXCEPTION_DETAIL, has_hint = PG_EXCEPTION_HINT;
    RETURN SQLSTATE || ' ' || SQLERRM || CASE WHEN has_detail || has_hint = '' THEN '' ELSE ' +' END;
END
$$;
CREATE FUNCTION as_person(actor int, role_name text, label text, statement text) RETURNS text LANGUAGE sql AS $$
    SELECT format('BEGIN; %s SET LOCAL ROLE perfmgmt_%s; INSERT INTO public.heard (actor, label, answer) VALUES (%L, %L, public.answer(%L)); COMMIT',
                  'SELECT perfmgmt.act_as(' || actor || ');', role_name, actor, label, statement)
$$;
CREATE FUNCTION heard(of_label text) RETURNS text LANGUAGE sql AS $$ SELECT h.answer FROM public.heard h WHERE h.label = of_label ORDER BY h.place DESC LIMIT 1 $$;

-- A cycle whose window is open, under a policy with small limits
SELECT new_policy_version(2) AS rules \gset
UPDATE feedback_rule SET nominations_per_subject = 3, requests_per_author = 3, reminder_days = '{14,7,2}' WHERE policy_id = :rules;
SELECT create_cycle('2026', '2025-07-01', '2026-06-30', :rules, forte_opens_on => CURRENT_DATE - 1, forte_closes_on => CURRENT_DATE + 20) AS cycle \gset
SELECT 'before', public.answer(format('SELECT perf.nominate_author(%s, 13, 14)', :cycle)) \g /dev/null
SELECT open_cycle(:cycle) \g /dev/null
UPDATE participation SET eligibility = 'on_leave' WHERE employee_id = 31 AND review_cycle_id = :cycle;

-- a statement of somebody; {c} is the cycle
CREATE TABLE scene (place int GENERATED ALWAYS AS IDENTITY, act text, actor int, role_name text, statement text, expected text);
CREATE VIEW script AS
SELECT s.place, s.act, as_person(s.actor, s.role_name, s.act || s.place, replace(s.statement, '{c}', c.review_cycle_id::text)) AS command
FROM scene s JOIN perf.review_cycle c ON c.cycle_name = '2026';
CREATE FUNCTION verdict(of_act text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT matches(heard(s.act || s.place), s.expected, format('%s as %s: %s', s.actor, s.role_name, s.statement))
    FROM scene s WHERE s.act = of_act ORDER BY s.place
$$;

-- Nominations -----------------------------------------------------------------

INSERT INTO scene (act, actor, role_name, statement, expected) VALUES
    ('name', 13, 'employee', 'SELECT perf.nominate_author({c}, 13, 14)', '^done$'),
    ('name', 13, 'employee', 'SELECT perf.nominate_author({c}, 13, 17, ''stakeholder'', '' atlas '')', '^done$'),
    ('name', 13, 'employee', 'SELECT perf.nominate_author({c}, 13, 17, ''stakeholder'', ''atlas'')', '^done$'),
    ('name', 13, 'employee', 'SELECT perf.nominate_author({c}, 13, 13)', '^PM005 nobody is a peer of oneself \+'),
    ('name', 13, 'employee', 'SELECT perf.nominate_author({c}, 13, 29)', '^PM004 there is nobody 29 to write \+'),
    ('name', 13, 'employee', 'SELECT perf.nominate_author({c}, 13, 999)', '^PM004 there is nobody 999 to write \+'),
    ('name', 13, 'employee', 'SELECT perf.nominate_author({c}, 14, 15)', '^PM006 you cannot nominate authors about employee 14 \+'),
    ('name', 13, 'employee', 'SELECT perf.nominate_author({c}, 31, 13)', '^PM004 employee 31 gets no feedback'),
    ('name', 13, 'employee', 'SELECT perf.nominate_author({c}, 999, 13)', '^PM004 employee 999 gets no feedback'),
    ('name', 13, 'employee', 'SELECT perf.nominate_author({c}, 13, 15, ''manager'')', '^PM005 the relation "manager" does not hold \+'),
    ('name', 13, 'employee', 'SELECT perf.nominate_author({c}, 13, 15, ''direct_report'')', '^PM005 the relation "direct_report" does not hold \+'),
    ('name', 13, 'employee', 'SELECT perf.nominate_author({c}, 13, 15, ''friend'')', '^22023 unknown relation "friend" \+'),
    ('name', 13, 'employee', 'SELECT perf.nominate_author({c}, 13, 15, ''self'')', '^PM005 a self review is about oneself'),
    ('name', 13, 'employee', 'SELECT perf.nominate_author(2, 13, 15)', '^PM004 the feedback of cycle 2 is not open \+'),
    ('name', 13, 'employee', 'SELECT perf.nominate_author(999, 13, 15)', '^PM004 review cycle 999 does not exist'),
    ('name', NULL, 'employee', 'SELECT perf.nominate_author({c}, 13, 15)', '^PM006 this needs a named person \+'),
    -- 5 is the manager: a relation comes from the company
    ('name', 13, 'employee', 'SELECT perf.nominate_author({c}, 13, 5, ''peer'')', '^done$'),
    ('name', 13, 'employee', 'SELECT perf.nominate_author({c}, 13, 16)', '^PM004 you have proposed as many authors as the policy allows \+'),
    ('name', 13, 'employee', 'SELECT perf.nominate_author({c}, 13, 14, ''stakeholder'')', '^done$'),
    ('name', 13, 'employee', 'SELECT string_agg(format(''%s %s %s'', full_name, relation, project), '', '' ORDER BY author_id) FROM perf.own_nominations()',
        '^Person 5 manager , Person 14 stakeholder , Person 17 stakeholder atlas$'),
    -- above, but not the manager of record: a proposal; the author: an offer
    ('name', 2, 'leader', 'SELECT perf.nominate_author({c}, 13, 18)', '^done$'),
    ('name', 19, 'employee', 'SELECT perf.nominate_author({c}, 13, 19)', '^done$'),
    ('name', 19, 'employee', 'SELECT perf.nominate_author({c}, 13, 19)', '^done$'),
    ('name', 26, 'hr', 'SELECT perf.nominate_author({c}, 13, 20)', '^done$'),
    ('name', 5, 'leader', 'SELECT perf.nominate_author({c}, 13, 15)', '^done$'),
    ('name', 5, 'leader', 'SELECT perf.nominate_author({c}, 13, 15)', '^done$'),
    ('name', 6, 'leader', 'SELECT perf.nominate_author({c}, 13, 15)', '^PM006');
SELECT command FROM script WHERE act = 'name' ORDER BY place \gexec
SELECT verdict('name');
SELECT is(public.answer(format('SELECT perf.nominate_author(%s, 13, 14)', :cycle)), 'PM006 this needs a named person +', 'nor the owner without a person');
SELECT results_eq(format('SELECT author_id, relation, nominated_by, nomination_status, approved_by FROM perf.nomination WHERE review_cycle_id = %s ORDER BY 1', :cycle),
    $$VALUES (15, 'peer', 5, 'requested', 5), (18, 'peer', 2, 'proposed', NULL), (19, 'peer', 19, 'proposed', NULL), (20, 'peer', 26, 'requested', 26)$$,
    'what the subject proposes is no nomination yet; the manager and HR ask at once');
SELECT results_eq('SELECT author_id, relation FROM perf.own_nomination ORDER BY 1', $$VALUES (5, 'manager'), (14, 'stakeholder'), (17, 'stakeholder')$$,
    'and stands apart, once a name');

-- R8: a name that others asked, rejected or were answered by makes no difference
INSERT INTO scene (act, actor, role_name, statement, expected) VALUES
    ('answer', 14, 'employee', 'SELECT perf.approve_nomination({c}, 13, 14)', '^42501'),
    ('answer', 13, 'leader', 'SELECT perf.approve_nomination({c}, 13, 14)', '^PM004 there is no such nomination for you to answer \+'),
    ('answer', 2, 'leader', 'SELECT perf.approve_nomination({c}, 13, 14)', '^PM004 there is no such nomination for you to answer \+'),
    ('answer', 5, 'leader', 'SELECT perf.approve_nomination({c}, 13, 21)', '^PM004 there is no such nomination for you to answer \+'),
    ('answer', 5, 'leader', 'SELECT string_agg(format(''%s %s'', author_id, nomination_status), '', '' ORDER BY author_id) FROM olr.nomination WHERE employee_id = 13 AND is_open',
        '^5 proposed, 14 proposed, 15 requested, 17 proposed, 18 proposed, 19 proposed, 20 requested$'),
    ('answer', 5, 'leader', 'SELECT perf.approve_nomination({c}, 13, 14)', '^done$'),
    ('answer', 5, 'leader', 'SELECT perf.approve_nomination({c}, 13, 14)', '^PM004 this nomination was answered before \+'),
    ('answer', 27, 'hr', 'SELECT perf.reject_nomination({c}, 13, 14)', '^PM004 this nomination was answered before \+'),
    ('answer', 27, 'hr', 'SELECT perf.reject_nomination({c}, 13, 17)', '^done$'),
    ('answer', 27, 'hr', 'SELECT perf.approve_nomination({c}, 13, 17)', '^PM004 this nomination was answered before \+'),
    ('answer', 27, 'hr', 'SELECT perf.approve_nomination({c}, 13, 19)', '^done$'),
    ('answer', 16, 'employee', 'SELECT perf.nominate_author({c}, 16, 22)', '^done$'),
    ('answer', 13, 'employee', 'SELECT perf.nominate_author({c}, 13, 17, ''stakeholder'', ''atlas'')', '^done$'),
    ('answer', 13, 'employee', 'SELECT perf.nominate_author({c}, 13, 14, ''stakeholder'')', '^done$'),
    ('answer', 13, 'employee', 'SELECT string_agg(format(''%s %s %s'', full_name, relation, project), '', '' ORDER BY author_id) FROM perf.own_nominations()',
        '^Person 5 manager , Person 14 stakeholder , Person 17 stakeholder atlas$'),
    ('answer', 14, 'employee', 'SELECT string_agg(format(''%s %s %s %s'', full_name, relation, request_status, is_open), '', '') FROM perf.own_feedback_requests()',
        '^Person 13 stakeholder requested t$'),
    ('answer', 17, 'employee', 'SELECT count(*) FROM perf.own_feedback_requests()', '^0$'),
    ('answer', 18, 'employee', 'SELECT count(*) FROM perf.own_feedback_requests()', '^0$'),
    -- limits: 3 requests an author
    ('answer', 26, 'hr', 'SELECT perf.nominate_author({c}, 8, 14)', '^done$'),
    ('answer', 26, 'hr', 'SELECT perf.nominate_author({c}, 9, 14)', '^done$'),
    ('answer', 26, 'hr', 'SELECT perf.nominate_author({c}, 10, 14)', '^PM004 employee 14 has as many requests as the policy allows \+'),
    ('answer', 14, 'employee', 'SELECT perf.decline_feedback({c}, 9)', '^done$'),
    ('answer', 26, 'hr', 'SELECT perf.nominate_author({c}, 10, 14)', '^done$'),
    ('answer', 14, 'employee', 'SELECT perf.decline_feedback({c}, 9)', '^PM004 there is no open request to you about employee 9 \+'),
    ('answer', 14, 'employee', 'SELECT perf.decline_feedback({c}, 11)', '^PM004 there is no open request to you about employee 11 \+'),
    ('answer', 18, 'employee', 'SELECT perf.decline_feedback({c}, 13)', '^PM004 there is no open request to you about employee 13 \+'),
    ('answer', 14, 'employee', 'SELECT perf.decline_feedback(2, 9)', '^PM004 the feedback of cycle 2 is not open \+'),
    -- the author's own offer
    ('answer', 21, 'employee', 'SELECT perf.nominate_author({c}, 13, 21)', '^done$'),
    ('answer', 21, 'employee', 'SELECT string_agg(request_status, '','') FROM perf.own_feedback_requests()', '^proposed$'),
    ('answer', 21, 'employee', 'SELECT perf.decline_feedback({c}, 13)', '^done$'),
    ('answer', 5, 'leader', 'SELECT perf.approve_nomination({c}, 13, 21)', '^PM004 this nomination was answered before \+');
SELECT command FROM script WHERE act = 'answer' ORDER BY place \gexec
SELECT verdict('answer');
SELECT results_eq($$SELECT DISTINCT employee_id, event, detail - 'review_cycle_id' FROM perf.outbox WHERE event LIKE 'feedback.%' ORDER BY 1$$,
    $$VALUES (14, 'feedback.requested', '{}'::jsonb), (15, 'feedback.requested', '{}'), (19, 'feedback.requested', '{}'), (20, 'feedback.requested', '{}')$$,
    'authors hear of a request, the event names no subject');
-- what everybody can read while it happens names nobody
BEGIN;
SELECT act_as(26) \g /dev/null
SELECT nominate_author(:cycle, 11, 12), nominate_author(:cycle, 26, 12) \g /dev/null
SELECT is_empty($$SELECT classid, objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
                    AND objid::bigint IN (SELECT e.employee_id FROM perf.employee e)$$, 'no lock shows whose request is written');
ROLLBACK;
-- the subject's call leaves no trace among the nominations, whatever is there
SELECT array_agg((n.employee_id, n.author_id, n.xmin, n.cmin)::text ORDER BY n.nomination_id) AS before FROM nomination n \gset
SELECT as_person(13, 'employee', 'again ' || a, format('SELECT perf.nominate_author(%s, 13, %s)', :cycle, a)) FROM unnest('{5,14,17}'::int[]) a \gexec
SELECT is((SELECT array_agg((n.employee_id, n.author_id, n.xmin, n.cmin)::text ORDER BY n.nomination_id) FROM nomination n)::text, :'before'::text,
          'a subject''s nomination does not touch what is known of authors');
SELECT as_person(13, 'employee', 'plan ' || f, format('EXPLAIN SELECT * FROM perf.%s()', f)) FROM unnest('{own_nominations,own_feedback,own_feedback_requests,own_feedback_drafts}'::text[]) f \gexec
SELECT matches(heard('plan ' || f), 'rows=10 ', 'the plan of ' || f || '() tells nothing')
FROM unnest('{own_nominations,own_feedback,own_feedback_requests,own_feedback_drafts}'::text[]) f;

-- Drafts and submissions ---------------------------------------------------------

INSERT INTO scene (act, actor, role_name, statement, expected) VALUES
    ('write', 14, 'employee', $$SELECT perf.save_feedback_draft({c}, 13, '{"growth": " "}')$$, '^done$'),
    ('write', 14, 'employee', $$SELECT perf.submit_feedback({c}, 13)$$, '^22004 nothing is answered \+'),
    ('write', 14, 'employee', $$SELECT perf.save_feedback_draft({c}, 13, '{"growth": "Draft text."}', '{"Dive Deep": 4}')$$, '^done$'),
    ('write', 14, 'employee', $$SELECT answers ->> 'growth' FROM perf.own_feedback_drafts() WHERE subject_id = 13$$, '^Draft text.$'),
    ('write', 14, 'employee', $$SELECT has_draft FROM perf.own_feedback_requests() WHERE subject_id = 13$$, '^true$'),
    ('write', 5, 'leader', 'SELECT count(*) FROM perf.feedback_draft', '^42501'),
    ('write', 26, 'hr', 'SELECT count(*) FROM perf.feedback_draft', '^42501'),
    ('write', 13, 'employee', 'SELECT count(*) FROM perf.own_feedback_drafts()', '^0$'),
    ('write', 5, 'leader', $$SELECT count(*) FROM olr.feedback WHERE employee_id = 13$$, '^0$'),
    -- each error
    ('write', 14, 'employee', $$SELECT perf.submit_feedback({c}, 13, '{"strength": "x"}')$$, '^22023 unknown question "strength" \+'),
    ('write', 14, 'employee', $$SELECT perf.submit_feedback({c}, 13, '["x"]')$$, '^22023 answers and principles are JSON objects \+'),
    ('write', 14, 'employee', $$SELECT perf.submit_feedback({c}, 13, '{}', '{"Frugal": 4}')$$, '^22023 unknown principle "Frugal" \+'),
    ('write', 14, 'employee', $$SELECT perf.submit_feedback({c}, 13, '{}', '{"17": 4}')$$, '^22023 unknown principle "17" \+'),
    ('write', 14, 'employee', $$SELECT perf.submit_feedback({c}, 13, '{}', '{"Dive Deep": 6}')$$, '^PM008 score 6 of "Dive Deep" is out of range \+'),
    ('write', 14, 'employee', $$SELECT perf.submit_feedback({c}, 13, '{}', '{"1": 0}')$$, '^PM008 score 0 of "1" is out of range \+'),
    ('write', 14, 'employee', $$SELECT perf.submit_feedback({c}, 13, '{"teamwork": 4.5}')$$, '^PM008 score 4.5 of "teamwork" is out of range \+'),
    ('write', 14, 'employee', $$SELECT perf.submit_feedback({c}, 13, '{"teamwork": {"score": "4"}}')$$, '^PM008 score "4" of "teamwork" is out of range \+'),
    ('write', 14, 'employee', $$SELECT perf.submit_feedback({c}, 13, '{"teamwork": -1}')$$, '^PM008'),
    ('write', 14, 'employee', $$SELECT perf.submit_feedback({c}, 13, '{"teamwork": 99999999999999}')$$, '^PM008'),
    ('write', 14, 'employee', $$SELECT perf.submit_feedback({c}, 13, '{"teamwork": {"text": "\n ", "score": null}}', '{}')$$, '^22004 nothing is answered \+'),
    ('write', 17, 'employee', $$SELECT perf.submit_feedback({c}, 13, '{"growth": "x"}')$$, '^PM004 you were not asked to write about employee 13 \+'),
    ('write', 18, 'employee', $$SELECT perf.submit_feedback({c}, 13, '{"growth": "x"}')$$, '^PM004 you were not asked to write about employee 13 \+'),
    ('write', 22, 'employee', $$SELECT perf.submit_feedback({c}, 13, '{"growth": "x"}')$$, '^PM004 you were not asked to write about employee 13 \+'),
    ('write', 13, 'employee', $$SELECT perf.submit_feedback({c}, 13, '{"growth": "x"}', relation => 'peer')$$, '^PM005 nobody is a peer of oneself \+'),
    ('write', 14, 'employee', $$SELECT perf.submit_feedback({c}, 13, '{"growth": "x"}', relation => 'self')$$, '^PM005 a self review is about oneself \+'),
    ('write', 14, 'employee', $$SELECT perf.submit_feedback({c}, 13, '{"growth": "x"}', relation => 'manager')$$, '^PM005 the relation "manager" does not hold \+'),
    ('write', 14, 'employee', $$SELECT perf.submit_feedback({c}, 31, '{"growth": "x"}')$$, '^PM004 employee 31 gets no feedback in cycle'),
    ('write', 14, 'employee', $$SELECT perf.submit_feedback(2, 13, '{"growth": "x"}')$$, '^PM004 the feedback of cycle 2 is not open \+'),
    ('write', NULL, 'employee', $$SELECT perf.submit_feedback({c}, 13, '{"growth": "x"}')$$, '^PM006 this needs a named person \+'),
    ('write', 14, 'leader', $$SELECT perf.submit_feedback({c}, 13, '{"growth": "x"}')$$, '^42501'),
    -- the draft is submitted, then changed
    ('write', 14, 'employee', 'SELECT perf.submit_feedback({c}, 13)', '^Version 1 is submitted; you may change it until .* The managers above this person and HR see that you wrote it; the person gets it without your name.$'),
    ('write', 14, 'employee', 'SELECT count(*) FROM perf.own_feedback_drafts()', '^0$'),
    ('write', 14, 'employee', $$SELECT perf.submit_feedback({c}, 13, '{"growth": {"text": "Second text.", "score": 3}, "strengths": "Much.", "teamwork": 5}', '{"2": 5, "Dive Deep": 2}')$$, '^Version 2'),
    ('write', 14, 'employee', 'SELECT format(''%s %s %s %s'', version, relation, answers, principles) FROM perf.own_feedback()',
        '^2 stakeholder {"growth": {"text": "Second text.", "score": 3}, "teamwork": {"score": 5}, "strengths": {"text": "Much."}} {"Dive Deep": 2, "Ownership": 5}$'),
    ('write', 14, 'employee', 'SELECT request_status FROM perf.own_feedback_requests() WHERE subject_id = 13', '^submitted$'),
    -- self, manager, direct report: no request needed; who was asked and declined may come back
    ('write', 13, 'employee', $$SELECT perf.submit_feedback({c}, 13, '{"strengths": "Self text."}', '{"1": 5}')$$, 'read it as yours\.$'),
    ('write', 5, 'employee', $$SELECT perf.submit_feedback({c}, 13, '{"strengths": "Manager text."}', '{"1": 4}', 'peer')$$, 'the person sees that it comes from a manager\.$'),
    ('write', 13, 'employee', $$SELECT perf.submit_feedback({c}, 5, '{"growth": "Upward text."}', '{"1": 2}', 'stakeholder')$$, '^Version 1'),
    ('write', 14, 'employee', $$SELECT perf.submit_feedback({c}, 9, '{"growth": "Late text."}')$$, '^Version 1'),
    ('write', 20, 'employee', $$SELECT perf.submit_feedback({c}, 13, '{"growth": "From 20."}', '{"1": 1}')$$, '^Version 1'),
    ('write', 20, 'employee', $$SELECT perf.withdraw_feedback({c}, 13)$$, '^done$'),
    ('write', 20, 'employee', $$SELECT perf.withdraw_feedback({c}, 13)$$, '^PM004 there is no feedback of yours about employee 13 \+'),
    ('write', 20, 'employee', $$SELECT perf.withdraw_feedback(2, 13)$$, '^PM004 the feedback of cycle 2 is not open \+'),
    ('write', 20, 'employee', $$SELECT request_status FROM perf.own_feedback_requests()$$, '^requested$'),
    ('write', 13, 'employee', 'SELECT string_agg(format(''%s %s'', subject_id, relation), '', '' ORDER BY subject_id) FROM perf.own_feedback()', '^5 direct_report, 13 self$'),
    ('write', 15, 'employee', $$SELECT perf.submit_feedback({c}, 13, '{"strengths": "From 15."}', '{"1": 3}')$$, '^Version 1'),
    -- a new version without principles takes the scores away
    ('write', 15, 'employee', $$SELECT perf.submit_feedback({c}, 13, '{"strengths": "From 15."}')$$, '^Version 2'),
    ('write', 19, 'employee', $$SELECT perf.submit_feedback({c}, 13, '{}', '{"1": 3}')$$, '^Version 1'),
    -- 7 was imported as the rater of 22: a form without principles leaves that, also when it goes
    ('write', 7, 'employee', $$SELECT perf.submit_feedback({c}, 22, '{"growth": "x"}')$$, '^Version 1'),
    ('write', 7, 'employee', $$SELECT perf.submit_feedback({c}, 22, '{"growth": "y"}')$$, '^Version 2'),
    ('write', 7, 'employee', $$SELECT principles FROM perf.own_feedback() WHERE subject_id = 22$$, '^{}$'),
    ('write', 7, 'employee', $$SELECT perf.withdraw_feedback({c}, 22)$$, '^done$');
INSERT INTO principle_rating (employee_id, review_cycle_id, rater_id, relation, scores, level_rank, manager_chain)
SELECT 22, :cycle, 7, 'manager', array_fill(4::smallint, ARRAY[16]), 1, '{7,3,1}';
SELECT command FROM script WHERE act = 'write' ORDER BY place \gexec
SELECT verdict('write');
SELECT results_eq(format('SELECT rater_id, relation, array_to_string(scores, '','', ''-''), level_rank FROM perf.principle_rating WHERE employee_id = 13 AND review_cycle_id = %s ORDER BY 1', :cycle),
    $$VALUES (5, 'manager', '4,-,-,-,-,-,-,-,-,-,-,-,-,-,-,-', 2), (13, 'self', '5,-,-,-,-,-,-,-,-,-,-,-,-,-,-,-', 2),
             (14, 'stakeholder', '-,5,-,-,-,-,-,-,-,-,-,2,-,-,-,-', 2), (19, 'peer', '3,-,-,-,-,-,-,-,-,-,-,-,-,-,-,-', 2)$$,
    'principles become ratings of the author; behaviours do not, nor what was withdrawn');
SELECT is((SELECT count(*) FROM principle_rating WHERE employee_id = 22 AND review_cycle_id = :cycle AND rater_id = 7), 1::bigint, 'an imported rating stays');
SELECT results_eq(format('SELECT author_id, version, first_submitted_at < submitted_at FROM perf.feedback WHERE employee_id = 13 AND review_cycle_id = %s ORDER BY 1', :cycle),
    'VALUES (5, 1, false), (13, 1, false), (14, 2, true), (15, 2, true), (19, 1, false)', 'versions count up');
SELECT results_eq($$SELECT operation, row_after ->> 'item_text' FROM perf.audit_log WHERE subject = 13 AND table_name = 'perf.feedback_item'
                    AND coalesce(row_after, row_before) ->> 'question' = 'growth' ORDER BY sequence$$,
    $$VALUES ('insert', 'Draft text.'), ('update', 'Second text.'), ('insert', 'From 20.'), ('delete', NULL)$$, 'each version is in the ledger');
SELECT is_empty($$SELECT * FROM perf.audit_log WHERE table_name = 'perf.feedback_draft'$$, 'a draft never is');
SELECT is_empty($$SELECT * FROM perf.audit_log WHERE table_name IN ('perf.feedback', 'perf.nomination', 'perf.own_nomination')
                  AND (row_after || row_before) ?| '{author_id,nominated_by,approved_by,submitted_at,first_submitted_at,answered_at}'$$, 'who wrote, and when, can be erased apart');
-- unrequested, where the policy lets people
SELECT new_policy_version(:rules) AS free_rules \gset
UPDATE feedback_rule SET unrequested_allowed = true, session_sees_authors = true WHERE policy_id = :free_rules;
SELECT create_cycle('free', '2025-07-01', '2026-06-30', :free_rules, forte_opens_on => CURRENT_DATE, forte_closes_on => CURRENT_DATE) AS free \gset
SELECT open_cycle(:free) \g /dev/null
SELECT as_person(22, 'employee', 'free', format($$SELECT perf.submit_feedback(%s, 13, '{"growth": "x"}')$$, :free)) \gexec
SELECT matches(heard('free'), '^Version 1 .* Those who calibrate this person see your name too.$', 'unrequested and open to the session, where the policy says so');
SELECT is((SELECT relation FROM feedback WHERE review_cycle_id = :free), 'peer', 'without a word, a peer');

-- Rights: nobody but leaders above and HR reads; the subject never
SELECT as_person(13, r, r || t, format('SELECT count(*) FILTER (WHERE employee_id = 13) FROM perf.%I', t))
FROM unnest('{employee,leader,hr}'::text[]) r, unnest('{feedback,feedback_item,nomination,own_nomination,principle_rating}'::text[]) t \gexec
SELECT is_empty($$SELECT * FROM heard WHERE label ~ '^(employee|leader|hr)(feedback|nomination|own|principle)' AND answer NOT LIKE '42501%'$$, 'nobody reads a table that knows authors');
SELECT is((SELECT count(*) FROM heard WHERE label ~ '^(employee|leader|hr)(feedback|nomination|own|principle)'), 15::bigint, 'in no role');
INSERT INTO scene (act, actor, role_name, statement, expected) VALUES
    ('read', 5, 'leader', $$SELECT string_agg(DISTINCT format('%s %s', author_id, item_text), ', ') FROM olr.feedback WHERE employee_id = 13 AND question = 'growth' AND cycle_name = '2026'$$, '^14 Second text.$'),
    ('read', 26, 'hr', $$SELECT count(DISTINCT author_id) FROM olr.feedback WHERE employee_id = 13 AND cycle_name = '2026'$$, '^4$'),
    ('read', 13, 'leader', $$SELECT count(*) FROM olr.feedback WHERE employee_id = 13$$, '^0$'),
    ('read', 6, 'leader', $$SELECT count(*) FROM olr.feedback WHERE employee_id = 13$$, '^0$'),
    ('read', 5, 'leader', $$SELECT count(*) FROM olr.feedback WHERE employee_id = 5$$, '^0$'),
    ('read', 5, 'leader', $$SELECT format('%s %s %s %s %s | %s %s %s %s', asked, answered, declined, waiting, response_share, from_manager, from_peers, from_stakeholders, projects_named)
        FROM olr.feedback_coverage WHERE employee_id = 13 AND cycle_name = '2026'$$, '^5 3 1 1 0.6000 \| 1 2 1 1$'),
    ('read', 26, 'hr', $$SELECT format('%s %s', asked, answered) FROM olr.feedback_coverage WHERE employee_id = 9 AND cycle_name = '2026'$$, '^1 1$'),
    ('read', 5, 'leader', $$SELECT count(*) FROM olr.feedback_coverage WHERE employee_id IN (5, 8)$$, '^0$'),
    ('read', 13, 'leader', $$SELECT count(*) FROM olr.feedback_coverage$$, '^0$'),
    ('read', 13, 'employee', $$SELECT count(*) FROM olr.feedback_coverage$$, '^42501'),
    ('read', 13, 'employee', $$SELECT * FROM perf.feedback_coverage()$$, '^42501'),
    ('read', 5, 'hr', $$SELECT count(*) FROM olr.feedback_coverage$$, '^0$');
SELECT command FROM script WHERE act = 'read' ORDER BY place \gexec
SELECT verdict('read');

-- A manager is a subject, too: 13 wrote about 5, 14 did not. Neither the plan nor
-- the server's counts of the own transaction tell one from the other.
SELECT pg_stat_force_next_flush() \g /dev/null
CREATE TABLE probed (author int, statement text, told text);
GRANT INSERT ON probed TO PUBLIC;
CREATE FUNCTION touched(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    line text;
    told text := '';
BEGIN
    FOR line IN EXECUTE statement LOOP told := told || line || E'\n'; END LOOP;
    RETURN told || (SELECT string_agg(format('%s %s %s', relname, idx_tup_fetch, n_tup_ins), ', ' ORDER BY relname) FROM pg_stat_xact_all_tables
                    WHERE schemaname = 'perf' AND relname IN ('feedback', 'feedback_item', 'nomination', 'own_nomination', 'principle_rating'));
EXCEPTION WHEN insufficient_privilege THEN
    RETURN SQLERRM;
END
$$;
SELECT format('BEGIN; DO $do$ BEGIN PERFORM perfmgmt.act_as(5); END $do$; SET LOCAL ROLE perfmgmt_leader;
    INSERT INTO public.probed SELECT %s, s, public.touched(replace(s, ''{a}'', ''%1$s'')) FROM (VALUES (%L)) v(s); COMMIT; SELECT pg_stat_force_next_flush()', a, replace(s, '{c}', :'cycle'))
FROM unnest('{13,14}'::int[]) a, unnest(ARRAY[
    'EXPLAIN (ANALYZE, BUFFERS off, TIMING off, SUMMARY off) SELECT FROM olr.feedback WHERE employee_id = 5 AND review_cycle_id = {c} AND author_id = {a}',
    'EXPLAIN (ANALYZE, BUFFERS off, TIMING off, SUMMARY off) SELECT FROM olr.principle_rating WHERE employee_id = 5 AND review_cycle_id = {c} AND rater_id = {a}',
    'EXPLAIN (ANALYZE, BUFFERS off, TIMING off, SUMMARY off) SELECT FROM olr.nomination WHERE employee_id = 5 AND review_cycle_id = {c} AND author_id = {a}',
    'EXPLAIN (ANALYZE, BUFFERS off, TIMING off, SUMMARY off) SELECT FROM perf.principle_rating WHERE employee_id = 5 AND review_cycle_id = {c} AND rater_id = {a}',
    'SELECT author_id FROM perf.feedback_about(5, {c}) WHERE author_id = {a}', 'SELECT author_id FROM perf.nominations_about(5, {c}) WHERE author_id = {a}',
    'SELECT rater_id FROM perf.ratings_about(5, {c}) WHERE rater_id = {a}']) s \gexec
SELECT is(replace(t.told, '13', '14'), f.told, 'a manager is told nothing about oneself by ' || t.statement)
FROM probed t JOIN probed f USING (statement) WHERE t.author = 13 AND f.author = 14;
SELECT is((SELECT count(*) FROM probed), 14::bigint, 'by seven ways');
SELECT is(public.answer(format('SELECT r.rater_id FROM perf.ratings_about(5, %s) r WHERE r.rater_id = 13', :cycle)), '13', 'which others may see');

-- Candour, from a group of peers by the hand: 3 authors, one without growth
INSERT INTO scene (act, actor, role_name, statement, expected) VALUES
    ('candour', 5, 'leader', $$SELECT count(*) FROM olr.feedback_candour WHERE cycle_name = '2026'$$, '^0$'),
    ('candour', 26, 'hr', 'SELECT perf.nominate_author({c}, 15, 16), perf.nominate_author({c}, 15, 13)', '.'),
    ('candour', 16, 'employee', $$SELECT perf.submit_feedback({c}, 15, '{"growth": "x", "teamwork": 5}', '{"1": 5}')$$, '^Version 1'),
    ('candour', 13, 'employee', $$SELECT perf.submit_feedback({c}, 15, '{"growth": "x"}', '{"1": 1}')$$, '^Version 1'),
    -- peers in team alpha: 15 (no growth), 19 (no growth, 3) about 13; 14 (growth) about 9; 16 (5, 5), 13 (1) about 15
    ('candour', 2, 'leader', $$SELECT string_agg(format('%s %s %s %s %s %s', team_code, relation, n, without_growth_share, scores, top_score_share) || ' ' || round(spread, 2), ', ')
        FROM olr.feedback_candour WHERE cycle_name = '2026'$$, '^alpha peer 5 0.4000 4 0.5000 1.66$'),
    ('candour', 5, 'leader', $$SELECT string_agg(format('%s %s', relation, n), ', ') FROM olr.feedback_candour WHERE cycle_name = '2026'$$, '^peer 4$'),
    -- 4 sees 9, about whom one author wrote
    ('candour', 4, 'leader', $$SELECT count(*) FROM olr.feedback_candour WHERE cycle_name = '2026'$$, '^0$'),
    ('candour', 13, 'employee', $$SELECT count(*) FROM olr.feedback_candour$$, '^42501');
SELECT command FROM script WHERE act = 'candour' ORDER BY place \gexec
SELECT verdict('candour');

-- Timing: 5 assessed 13 before anybody wrote, 15 before and again after, 14 with no feedback at all
INSERT INTO assessment (employee_id, review_cycle_id, job_performance, potential, source, assessed_by, assessed_at, manager_chain)
SELECT p.employee_id, :cycle, 3, 2, 'manager', 5, a.at, p.manager_chain
FROM (VALUES (13, now() - interval '1 day'), (15, now() - interval '1 day'), (15, now() + interval '1 minute'), (14, now())) a(employee_id, at)
JOIN participation p ON p.employee_id = a.employee_id AND p.review_cycle_id = :cycle;
INSERT INTO scene (act, actor, role_name, statement, expected) VALUES
    ('timing', 2, 'leader', $$SELECT format('%s %s %s %s %s', manager_name, assessed, with_feedback, before_feedback, before_feedback_share)
        FROM olr.feedback_timing WHERE cycle_name = '2026'$$, '^Person 5 3 2 1 0.5000$'),
    ('timing', 14, 'employee', $$SELECT count(*) FROM olr.feedback_timing$$, '^42501');
SELECT command FROM script WHERE act = 'timing' ORDER BY place \gexec
SELECT verdict('timing');

-- Reminders -------------------------------------------------------------------------

DELETE FROM outbox;
SELECT is(feedback_remind(CURRENT_DATE), 0, 'too early');
SELECT is(feedback_remind(CURRENT_DATE + 6), 2, 'at 14 days: 14 (two requests) and 20');
SELECT is(feedback_remind(CURRENT_DATE + 6), 0, 'once');
SELECT is(feedback_remind(CURRENT_DATE + 10), 0, 'for each of the days');
SELECT is(feedback_remind(CURRENT_DATE + 13), 2, 'at 7 days again');
SELECT is(feedback_remind(CURRENT_DATE + 21), 0, 'not after the window');
SELECT results_eq('SELECT employee_id, event, detail FROM perf.outbox WHERE queued_at IS NOT NULL ORDER BY outbox_id LIMIT 2',
    format($$VALUES (14, 'feedback.reminder', '{"closes_on": "%s", "open_requests": 2, "review_cycle_id": %s}'::jsonb),
                    (20, 'feedback.reminder', '{"closes_on": "%1$s", "open_requests": 1, "review_cycle_id": %2$s}')$$, CURRENT_DATE + 20, :cycle),
    'the event is about the author and tells no subject');
SELECT as_person(5, 'hr', 'remind', 'SELECT perf.feedback_remind()') \gexec
SELECT matches(heard('remind'), '^PM006', 'HR or the owner');

-- The window ------------------------------------------------------------------------

SELECT create_cycle('early', '2025-07-01', '2026-06-30', 2, forte_opens_on => CURRENT_DATE + 1, forte_closes_on => CURRENT_DATE + 9) AS early \gset
SELECT create_cycle('late', '2025-07-01', '2026-06-30', 2, forte_opens_on => CURRENT_DATE - 9, forte_closes_on => CURRENT_DATE - 1) AS late \gset
SELECT create_cycle('draft', '2025-07-01', '2026-06-30', 2, forte_opens_on => CURRENT_DATE, forte_closes_on => CURRENT_DATE) AS draft \gset
SELECT open_cycle(:early), open_cycle(:late) \g /dev/null
SELECT as_person(13, 'employee', 'window ' || c || s, format(s, c))
FROM unnest(ARRAY[:early, :late, :draft]) c, unnest(ARRAY[
    'SELECT perf.nominate_author(%s, 13, 14)', 'SELECT perf.decline_feedback(%s, 14)', 'SELECT perf.save_feedback_draft(%s, 13)',
    $$SELECT perf.submit_feedback(%s, 13, '{"growth": "x"}')$$, 'SELECT perf.withdraw_feedback(%s, 13)']) s \gexec
SELECT as_person(26, 'hr', 'window ' || c || s, format(s, c))
FROM unnest(ARRAY[:early, :late, :draft]) c, unnest('{SELECT perf.approve_nomination(%s\, 13\, 14),SELECT perf.reject_nomination(%s\, 13\, 14)}'::text[]) s \gexec
SELECT is((SELECT count(*) FROM heard WHERE label LIKE 'window%' AND answer ~ '^PM004 the feedback of cycle [0-9]+ is not open \+'), 21::bigint, 'nothing before, nothing after, nothing in a draft');
SELECT advance_cycle(:cycle) \g /dev/null
SELECT as_person(14, 'employee', 'closed', format($$SELECT perf.submit_feedback(%s, 13, '{"growth": "x"}')$$, :cycle)) \gexec
SELECT matches(heard('closed'), '^PM004 the feedback of cycle', 'nor once the cycle went on');

-- The session: texts without authors for who is not above ---------------------------

-- 22 is a subject of session 2 in cycle 2, where 4 sits; 7, 3 and 1 are above
INSERT INTO feedback (employee_id, review_cycle_id, author_id, relation, project, manager_chain)
SELECT 22, 2, a, 'peer', 'atlas', '{7,3,1}' FROM unnest('{23,24}'::int[]) a;
INSERT INTO feedback_item (employee_id, feedback_id, review_cycle_id, question, item_text, manager_chain)
SELECT f.employee_id, f.feedback_id, 2, 'growth', 'Text of ' || f.author_id, f.manager_chain FROM feedback f WHERE f.review_cycle_id = 2;
INSERT INTO scene (act, actor, role_name, statement, expected) VALUES
    ('session', 4, 'leader', $$SELECT string_agg(format('%s|%s|%s|%s|%s|%s', author_id, author_name, project, version, submitted_at, item_text), ', ' ORDER BY item_text) FROM olr.feedback WHERE employee_id = 22$$,
        '^\|\|\|\|\|Text of 23, \|\|\|\|\|Text of 24$'),
    ('session', 7, 'leader', $$SELECT string_agg(format('%s %s', author_name, item_text), ', ' ORDER BY item_text) FROM olr.feedback WHERE employee_id = 22$$,
        '^Person 23 Text of 23, Person 24 Text of 24$'),
    ('session', 26, 'hr', $$SELECT string_agg(format('%s %s', author_id, item_text), ', ' ORDER BY item_text) FROM olr.feedback WHERE employee_id = 22$$,
        '^23 Text of 23, 24 Text of 24$'),
    ('session', 22, 'leader', $$SELECT count(*) FROM olr.feedback WHERE employee_id = 22$$, '^0$'),
    ('session', 5, 'leader', $$SELECT count(*) FROM perf.feedback_about(22, 2)$$, '^0$');
SELECT command FROM script WHERE act = 'session' ORDER BY place \gexec
SELECT verdict('session');
-- who sits in the session and stands above sees each answer once, with the author
BEGIN;
UPDATE overall_value SET calibration_session_id = 2 WHERE employee_id = 8 AND review_cycle_id = 2;
INSERT INTO feedback (employee_id, review_cycle_id, author_id, relation, manager_chain) VALUES (8, 2, 9, 'peer', '{4,2,1}');
INSERT INTO feedback_item (employee_id, feedback_id, review_cycle_id, question, item_text, manager_chain)
SELECT 8, f.feedback_id, 2, 'growth', 'x', '{4,2,1}' FROM feedback f WHERE f.employee_id = 8 AND f.review_cycle_id = 2;
SELECT act_as(4) \g /dev/null
SET LOCAL ROLE perfmgmt_leader;
SELECT results_eq('SELECT author_id FROM olr.feedback WHERE employee_id = 8 AND review_cycle_id = 2', 'VALUES (9)', 'above and in the session: once, with the author');
ROLLBACK;
ALTER TABLE feedback_rule DISABLE TRIGGER immutable_in_use;
UPDATE feedback_rule SET session_sees_authors = true WHERE policy_id = 2;
ALTER TABLE feedback_rule ENABLE TRIGGER immutable_in_use;
SELECT as_person(4, 'leader', 'with authors', $$SELECT string_agg(format('%s %s', author_name, item_text), ', ' ORDER BY item_text) FROM olr.feedback WHERE employee_id = 22$$) \gexec
SELECT is(heard('with authors'), 'Person 23 Text of 23, Person 24 Text of 24', 'with authors, where the policy says so');

-- reads of authors are noted, also through the session; counts and texts alone are not
SELECT results_eq($$SELECT actor_id, relation_name, subjects @> 22 FROM perf.access_log WHERE relation_name LIKE 'perf.feedback' AND subjects && '{[22,23)}'::int4multirange ORDER BY access_log_id$$,
    $$VALUES (7, 'perf.feedback', true), (26, 'perf.feedback', true), (4, 'perf.feedback', true)$$,
    'who read authors is in the log: not 4 before authors were shown');
SELECT count(*) AS reads FROM access_log \gset
SELECT as_person(2, 'leader', 'counts', 'SELECT count(*) FROM olr.feedback_coverage, olr.feedback_candour, olr.feedback_timing') \gexec
SELECT is((SELECT count(*) FROM access_log), :reads::bigint, 'counts are no reads');

-- Open rows follow the organisation, released ones stay -------------------------

INSERT INTO feedback (employee_id, review_cycle_id, author_id, relation, manager_chain) VALUES (13, 1, 14, 'peer', '{5,2,1}');
INSERT INTO feedback_item (employee_id, feedback_id, review_cycle_id, question, item_text, manager_chain)
SELECT 13, f.feedback_id, 1, 'growth', 'x', '{5,2,1}' FROM feedback f WHERE f.employee_id = 13 AND f.review_cycle_id = 1;
SELECT * FROM move_employee(13, 4) \g /dev/null
SELECT results_eq(format($$SELECT t, review_cycle_id, min(manager_chain::text), max(manager_chain::text) FROM (
        SELECT 'feedback' AS t, employee_id, review_cycle_id, manager_chain FROM perf.feedback
        UNION ALL SELECT 'item', employee_id, review_cycle_id, manager_chain FROM perf.feedback_item
        UNION ALL SELECT 'nomination', employee_id, review_cycle_id, manager_chain FROM perf.nomination
        UNION ALL SELECT 'own', employee_id, review_cycle_id, manager_chain FROM perf.own_nomination) u
    WHERE employee_id = 13 AND review_cycle_id IN (1, %s) GROUP BY 1, 2 ORDER BY 1, 2$$, :cycle),
    format($$VALUES ('feedback', 1, '{5,2,1}', '{5,2,1}'), ('feedback', %1$s, '{4,2,1}', '{4,2,1}'), ('item', 1, '{5,2,1}', '{5,2,1}'),
           ('item', %1$s, '{4,2,1}', '{4,2,1}'), ('nomination', %1$s, '{4,2,1}', '{4,2,1}'), ('own', %1$s, '{4,2,1}', '{4,2,1}')$$, :cycle),
    'who moves takes the open cycle along');

-- R9 --------------------------------------------------------------------------------

SELECT throws_ok('UPDATE perf.anonymity_rule SET minimum_raters = 3 WHERE policy_id = 2', 'PM002', NULL, 'the same k is no change that a policy in use takes');
SELECT lives_ok('SELECT perf.raise_minimum_raters(2, 4)', 'k rises, also while a cycle is open');
SELECT throws_ok('SELECT perf.raise_minimum_raters(2, 3)', 'PM002', 'the number of raters for anonymity can only rise', 'and never falls');
SELECT throws_ok('UPDATE perf.anonymity_rule SET minimum_raters = 3 WHERE policy_id = 2', 'PM002', NULL, 'by no way');
SELECT throws_ok('UPDATE perf.anonymity_rule SET minimum_raters = 5, policy_id = 1 WHERE policy_id = 2', 'PM002', NULL, 'nor may the rule go elsewhere with it');
SELECT throws_ok('SELECT perf.raise_minimum_raters(999, 5)', 'PM002', NULL, 'nor without a policy');
SELECT as_person(5, 'hr', 'raise', 'SELECT perf.raise_minimum_raters(2, 6)') \gexec
SELECT matches(heard('raise'), '^PM006', 'by HR or the owner');
SELECT is((SELECT minimum_raters FROM anonymity_rule WHERE policy_id = 2), 4, 'so it is 4');

-- The export --------------------------------------------------------------------------

-- a column that names somebody by way of another table
CREATE TABLE perf.planted (employee_id int, review_cycle_id int, panelist int, FOREIGN KEY (employee_id, review_cycle_id, panelist) REFERENCES own_nomination);
SELECT results_eq($$SELECT people_columns FROM perf.exported_table() WHERE table_name = 'planted'$$, $$VALUES ('{panelist}'::text[])$$, 'people are found over two steps');
DROP TABLE perf.planted;

-- Two strangers: 7001 is exported, 7002 is another. Every text of every row about
-- them is marked with the person, the table and the column; 7003 wrote everything.
INSERT INTO employee (employee_id, external_id, full_name, hired_on)
VALUES (7001, 'MARK:7001:employee.external_id', 'MARK:7001:employee.full_name', '2020-01-01'), (7002, 'MARK:7002:x', 'MARK:7002:y', '2020-01-01'),
       (7003, 'MARK:7003:x', 'MARK:7003:y', '2020-01-01');
DO $$
DECLARE
    part record;
    dropped record;
BEGIN
    FOR dropped IN SELECT k.conrelid::regclass AS relation, k.conname FROM pg_constraint k
                   WHERE k.connamespace = 'perf'::regnamespace AND k.contype IN ('c', 'x') LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', dropped.relation, dropped.conname);
    END LOOP;
    FOR dropped IN SELECT g.tgrelid::regclass AS relation, g.tgname FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
                   WHERE c.relnamespace = 'perf'::regnamespace AND g.tgenabled = 'A' AND g.tgname NOT LIKE 'audit\_%' LOOP
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER %I', dropped.relation, dropped.tgname);
    END LOOP;
    SET session_replication_role = replica; -- no foreign keys; the ledger watches all the same
    FOR part IN
        SELECT t.relation, t.table_name, string_agg(quote_ident(c.attname), ', ' ORDER BY c.attnum) AS names,
               string_agg(CASE
                   WHEN c.attname IN ('employee_id', 'subject') AND c.attname = t.person_column THEN 'p.id'
                   WHEN c.attname = 'manager_id' THEN '7004' -- the own manager is no secret
                   WHEN c.attname = ANY (t.people_columns) THEN CASE WHEN t.person_column IS NULL AND c.attname = t.people_columns[1] THEN 'p.id' ELSE '7003' END
                   WHEN t.person_column IS NULL AND t.people_columns = '{}' AND c.attname IN ('external_id', 'employee_external_id')
                        THEN '(SELECT external_id FROM perf.employee WHERE employee_id = p.id)'
                   WHEN c.atttypid = 'text'::regtype OR c.atttypid = 'name'::regtype THEN format('''MARK:'' || p.id || %L', ':' || t.table_name || '.' || c.attname)
                   WHEN c.atttypid = 'text[]'::regtype THEN format('ARRAY[''MARK:'' || p.id || %L]', ':' || t.table_name || '.' || c.attname)
                   WHEN c.atttypid = 'jsonb'::regtype THEN format('jsonb_build_object(''k'', ''MARK:'' || p.id || %L)', ':' || t.table_name || '.' || c.attname)
                   WHEN c.attname = 'manager_chain' THEN '''{7003}'''
                   WHEN c.attname LIKE '%\_by' AND c.atttypid = 'int'::regtype THEN '7003'
                   WHEN c.atttypid IN ('int'::regtype, 'bigint'::regtype, 'smallint'::regtype) THEN '(30 + p.id % 7000)'
                   WHEN c.atttypid = 'numeric'::regtype THEN '3'
                   WHEN c.atttypid = 'boolean'::regtype THEN 'false'
                   WHEN c.atttypid = 'date'::regtype THEN '''2024-01-01'''
                   WHEN c.atttypid = 'timestamptz'::regtype THEN '''2024-01-01'''
                   WHEN c.atttypid = 'daterange'::regtype THEN '''[2024-01-01,2024-02-01)'''
                   WHEN c.atttypid = 'smallint[]'::regtype THEN '''{1}'''
                   WHEN c.atttypid = 'int[]'::regtype THEN '''{7003}'''
                   WHEN c.atttypid = 'bigint[]'::regtype THEN '''{7003,7003}'''
                   WHEN c.atttypid = 'uuid'::regtype THEN 'gen_random_uuid()'
                   WHEN c.atttypid = 'bytea'::regtype THEN '''\x00'''
                   WHEN c.atttypid = 'uuid'::regtype THEN 'gen_random_uuid()'
                   WHEN c.atttypid = 'xid8'::regtype THEN '''1'''
                   ELSE 'NULL' END, ', ' ORDER BY c.attnum) AS expressions
        FROM perf.exported_table() t
        JOIN pg_attribute c ON c.attrelid = t.relation AND c.attnum > 0 AND NOT c.attisdropped
        WHERE t.table_name NOT IN ('employee', 'decision') AND t.table_name NOT LIKE 'audit%' AND t.table_name <> 'access_log'
        GROUP BY t.relation, t.table_name
    LOOP
        EXECUTE format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM (VALUES (7001), (7002)) p(id)', part.relation, part.names, part.expressions);
    END LOOP;
    SET session_replication_role = DEFAULT;
END
$$;

INSERT INTO scene (act, actor, role_name, statement, expected) VALUES
    ('export', 13, 'employee', 'SELECT perf.subject_export(13)', '^42501'),
    ('export', 5, 'leader', 'SELECT perf.subject_export(13)', '^42501'),
    ('export', 28, 'auditor', 'SELECT perf.subject_export(13)', '^42501'),
    ('export', 5, 'hr', 'SELECT perf.subject_export(13)', '^PM006'),
    ('export', 5, 'hr', 'SELECT perf.propose_disclosure(13, ''x'')', '^PM006'),
    ('export', 26, 'hr', 'SELECT perf.subject_export(26)', '^PM005'),
    ('export', 26, 'hr', 'SELECT perf.propose_disclosure(26, ''x'')', '^PM005'),
    ('export', 26, 'hr', 'SELECT perf.propose_disclosure(999, ''x'')', '^PM004'),
    ('export', 26, 'hr', 'SELECT perf.propose_disclosure(7001, '' '')', '^22004'),
    ('export', 26, 'hr', 'SELECT perf.subject_export(7001)', '^PM004 there is no disclosure about employee 7001 in force \+'),
    ('export', 26, 'hr', 'SELECT perf.propose_disclosure(7001, ''the person asked for it'')', '^[0-9]+$');
SELECT command FROM script WHERE act = 'export' ORDER BY place \gexec
SELECT verdict('export');
SELECT decision_id AS disclosure, target ->> 'authors_redacted' AS redacted FROM decision WHERE decision_kind = 'disclosure' \gset
SELECT is(:'redacted'::text, 'true', 'without authors, unless somebody says otherwise');
SELECT as_person(26, 'hr', 'pending', 'SELECT perf.subject_export(7001)') \gexec
SELECT as_person(26, 'hr', 'alone', format('SELECT perf.approve(%s)', :disclosure)) \gexec
SELECT matches(heard('pending'), '^PM004', 'a proposal is no decision');
SELECT as_person(26, 'hr', 'refused', 'SELECT perf.propose_disclosure(7001, ''asked'')') \gexec
SELECT as_person(27, 'hr', 'reject', format('SELECT perf.reject(%s)', heard('refused'))) \gexec
SELECT as_person(26, 'hr', 'refused', 'SELECT perf.subject_export(7001)') \gexec
SELECT matches(heard('refused'), '^PM004', 'nor is a refusal');
SELECT matches(heard('alone'), '^PM005', 'two people decide');
SELECT as_person(27, 'hr', 'approve', format('SELECT perf.approve(%s)', :disclosure)) \gexec
SELECT as_person(26, 'hr', 'export', 'SELECT perf.subject_export(7001)') \gexec
CREATE TABLE export AS SELECT heard('export')::jsonb AS document;
SELECT is(document ->> 'authors_redacted', 'true', 'the export says so') FROM export;
-- a text column of a table about a person, unless it is left out with a reason
CREATE VIEW expected_mark AS
SELECT t.table_name, t.table_name || '.' || c.attname AS mark
FROM perf.exported_table() t JOIN pg_attribute c ON c.attrelid = t.relation AND c.attnum > 0 AND NOT c.attisdropped
WHERE c.atttypid IN ('text'::regtype, 'name'::regtype, 'text[]'::regtype, 'jsonb'::regtype)
  AND t.table_name NOT IN ('employee', 'decision') AND t.table_name NOT LIKE 'audit%' AND t.table_name <> 'access_log';
SELECT is_empty($$SELECT m.mark FROM expected_mark m CROSS JOIN export x
    WHERE strpos(x.document ->> 'tables', format('MARK:7001:%s"', m.mark)) = 0
      AND m.table_name NOT IN (SELECT u.table_name FROM perf.unexported_table() u)
      -- staging and imports: other people by their keys
      AND m.mark !~ '^import_.*external_id$' AND m.mark <> 'import_error.detail'$$, 'every text of every table about the person is there');
SELECT cmp_ok((SELECT count(*) FROM expected_mark), '>', 60::bigint, 'which are many');
SELECT ok(strpos(document ->> 'tables', 'MARK:7001:employee.full_name') > 0, 'the name too') FROM export;
SELECT is_empty($$SELECT m.mark FROM expected_mark m CROSS JOIN export x
    WHERE m.table_name IN ('goal', 'assessment', 'pip_case', 'feedback_item') AND strpos(x.document ->> 'ledger', format('MARK:7001:%s"', m.mark)) = 0$$, 'and the ledger');
SELECT ok(strpos(document::text, 'MARK:7002') = 0, 'nothing of another person') FROM export;
SELECT ok(strpos(document::text, '7003') = 0, 'nobody who wrote') FROM export;
SELECT is_empty($$SELECT DISTINCT c FROM perf.exported_table() t, unnest(perfmgmt.author_columns(t.relation)) c, export x
    WHERE strpos(x.document::text, format('"%s":', c)) > 0$$, 'no column that says who wrote, or when');
SELECT ok(document -> 'ledger' @> '[{"table": "goal", "operation": "insert"}]', 'the ledger has what is there') FROM export;
SELECT results_eq($$SELECT e ->> 'table', e ? 'recorded_at', e ? 'sequence', e ? 'written_by' FROM export x, jsonb_array_elements(x.document -> 'ledger') e
                    WHERE e ->> 'table' IN ('goal', 'feedback_item', 'principle_rating') ORDER BY 1$$,
    $$VALUES ('feedback_item', false, false, false), ('goal', true, false, false), ('principle_rating', false, false, false)$$,
    'with times where nobody but the process wrote, and no numbers');
SELECT ok(NOT document -> 'tables' ?| '{nomination,feedback}' AND document -> 'tables' ?& '{own_nomination,feedback_item}'
          AND document -> 'left_out' ?& '{nomination,feedback}', 'who was asked, and who answered, is about authors') FROM export;
SELECT ok(NOT document -> 'tables' ? 'appeal_vote' AND document -> 'left_out' ? 'appeal_vote' AND document -> 'tables' ?& '{appeal,pip_case,pip_event,coaching_note}',
          'all of Focus and Pivot, but no vote of a panel') FROM export;
SELECT is((SELECT count(*) FROM outbox WHERE employee_id = 7001 AND event = 'subject.exported'), 1::bigint, 'the export leaves an event');
-- with authors, by another decision
SELECT as_person(26, 'hr', 'open', 'SELECT perf.propose_disclosure(7001, ''a court asks'', false)') \gexec
SELECT heard('open') AS disclosure \gset
SELECT as_person(27, 'hr', 'approve', format('SELECT perf.approve(%s)', :disclosure)) \gexec
SELECT as_person(27, 'hr', 'export', 'SELECT perf.subject_export(7001)') \gexec
UPDATE export SET document = heard('export')::jsonb;
SELECT is(document #>> '{tables,feedback,0,author_id}', '7003', 'with authors, where the decision says so') FROM export;
SELECT ok(document -> 'tables' ? 'nomination', 'and who was asked') FROM export;
SELECT ok(NOT document -> 'tables' ? 'appeal_vote' AND document -> 'left_out' ? 'appeal_vote', 'no vote of a panel, with authors neither') FROM export;
SELECT is((document #> '{reads,0}') - 'read_at', '{"table": "perf.overall_value", "read_by": 26}', 'and who read before: the first export was a read') FROM export;
SELECT is(jsonb_array_length(document -> 'reads'), 1, 'of ratings, not of authors') FROM export;
SELECT ok(strpos(document::text, 'MARK:7002') = 0, 'still nothing of another person') FROM export;
SELECT is(document ->> 'decision_id', :'disclosure'::text, 'the newest decision counts') FROM export;
UPDATE decision SET decided_at = now() - interval '31 days' WHERE decision_kind = 'disclosure';
SELECT as_person(26, 'hr', 'old', 'SELECT perf.subject_export(7001)') \gexec
SELECT matches(heard('old'), '^PM004', 'for 30 days');
-- a person who wrote: counted, not quoted
SELECT as_person(26, 'hr', 'of 14', 'SELECT perf.propose_disclosure(14, ''asked'')') \gexec
SELECT as_person(27, 'hr', 'approve', format('SELECT perf.approve(%s)', heard('of 14'))) \gexec
SELECT as_person(26, 'hr', 'of 14', 'SELECT perf.subject_export(14)') \gexec
SELECT ok(heard('of 14')::jsonb -> 'named_in' @> '[{"table": "feedback", "as": "author_id", "rows": 3}]', 'how often a person wrote');
SELECT ok(strpos(heard('of 14'), 'Second text.') = 0, 'not what about others');

-- Erasure takes what others have drafted about the person, too -----------------------

INSERT INTO employee (employee_id, external_id, full_name, hired_on, left_on) VALUES (7005, 'X5', 'Gone', '2020-01-01', '2021-01-01');
INSERT INTO feedback_draft (employee_id, review_cycle_id, subject_id, answers, principles) VALUES (14, 1, 7005, '{"growth": "x"}', '{}');
SELECT as_person(26, 'hr', 'erase', 'SELECT perf.erase_subject(7005, ''asked'')') \gexec
SELECT as_person(27, 'hr', 'erased', format('SELECT perf.approve(%s)', heard('erase'))) \gexec
SELECT is(heard('erased'), 'done', 'somebody is erased');
SELECT is_empty('SELECT * FROM perf.feedback_draft WHERE subject_id = 7005', 'with the drafts about them');

SELECT * FROM finish();
