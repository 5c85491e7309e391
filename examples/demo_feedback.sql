-- Feedback in the example company, while its window is open: included by
-- examples/demo.sql between import_ratings() and advance_cycle(). It uses :cycle_id.

-- the window of the example ends today, whatever today is
UPDATE perf.review_cycle SET forte_opens_on = CURRENT_DATE - 30, forte_closes_on = CURRENT_DATE WHERE review_cycle_id = :cycle_id;

CREATE TEMP TABLE written (author text, subject text, relation text, project text, answers jsonb);
INSERT INTO written VALUES
    ('E00381', 'E02015', 'peer', 'snapshot migration', '{"strengths": "Turns a vague request into a plan that others can follow.", "growth": "Say earlier when a date will slip; we found out in the last week.", "teamwork": {"text": "Sat with the other team until the interface was clear.", "score": 5}}'),
    ('E00622', 'E02015', 'peer', 'snapshot migration', '{"strengths": "Writes the runbook the same week, not the same quarter.", "growth": "Reviews wait too long once something is in production.", "communication": {"score": 4}}'),
    ('E00628', 'E02015', 'peer', NULL, '{"strengths": "Asks the customers first.", "growth": "Hand over more; half of the on-call knowledge is in one head.", "responsiveness": {"text": "Calm when the store was read-only for an hour.", "score": 5}}'),
    ('E01470', 'E02015', 'peer', NULL, '{"strengths": "Finds the cause, not the symptom.", "growth": "Share the load of incidents.", "teamwork": 4}'),
    ('E01387', 'E02015', 'stakeholder', 'snapshot migration', '{"strengths": "Our migration took no outage.", "growth": "Tell us about changes before they are merged."}'),
    ('E01533', 'E02015', 'stakeholder', NULL, '{"strengths": "Answers with numbers.", "communication": {"text": "Short and clear, sometimes too short.", "score": 4}}'),
    ('E02015', 'E02015', NULL, NULL, '{"strengths": "I paid back old debts in the block store.", "growth": "I want to write more about it."}'),
    ('E01710', 'E02015', NULL, NULL, '{"strengths": "Carried the migration across three teams.", "growth": "Grow somebody who can do it next time."}'),
    ('E00374', 'E00381', 'peer', NULL, '{"strengths": "Knows the code of everybody.", "growth": "Write it down."}'),
    ('E00601', 'E00381', 'peer', NULL, '{"strengths": "Patient with new people."}'),
    ('E01195', 'E00381', 'peer', NULL, '{"strengths": "Reliable on call.", "growth": "Push back on late requests.", "responsiveness": 5}'),
    ('E01223', 'E00622', 'peer', NULL, '{"strengths": "Clear designs.", "growth": "Smaller changes are easier to review."}'),
    ('E01619', 'E00622', 'peer', NULL, '{"strengths": "Keeps promises.", "communication": 3}'),
    ('E02019', 'E00622', 'peer', NULL, '{"strengths": "Good questions in reviews.", "growth": "Ask them before the code is written."}');
CREATE TEMP VIEW line AS
SELECT w.*, s.employee_id AS subject_id, a.employee_id AS author_id, p.manager_id
FROM written w JOIN perf.employee s ON s.external_id = w.subject JOIN perf.employee a ON a.external_id = w.author
JOIN perf.participation p ON p.employee_id = s.employee_id AND p.review_cycle_id = :cycle_id;

\o /dev/null
-- Alice proposes two of them; her manager asks all; each one writes
SELECT format('BEGIN; SELECT perfmgmt.act_as(%1$s); SET LOCAL ROLE perfmgmt_employee; SELECT perf.nominate_author(%2$s, %1$s, %3$s, %4$L, %5$L); COMMIT',
              subject_id, :cycle_id, author_id, relation, project)
FROM line WHERE author IN ('E00381', 'E01387') AND subject = 'E02015' \gexec
SELECT format('BEGIN; SELECT perfmgmt.act_as(%s); SET LOCAL ROLE perfmgmt_leader; SELECT perf.approve_nomination(%s, %s, %s); COMMIT',
              manager_id, :cycle_id, subject_id, author_id)
FROM line WHERE author IN ('E00381', 'E01387') AND subject = 'E02015' \gexec
SELECT format('BEGIN; SELECT perfmgmt.act_as(%s); SET LOCAL ROLE perfmgmt_leader; SELECT perf.nominate_author(%s, %s, %s, %L, %L); COMMIT',
              manager_id, :cycle_id, subject_id, author_id, relation, project)
FROM line WHERE relation IS NOT NULL \gexec
SELECT format('BEGIN; SELECT perfmgmt.act_as(%s); SET LOCAL ROLE perfmgmt_employee; SELECT perf.submit_feedback(%s, %s, %L); COMMIT',
              author_id, :cycle_id, subject_id, answers)
FROM line \gexec
\o

SELECT employee_id AS alice_id, manager_chain[1] AS manager_id FROM perf.employee WHERE external_id = 'E02015' \gset
\echo 'Fourteen people write feedback; each one is told who will see the name. What the manager of Alice sees:'
BEGIN;
SELECT perfmgmt.act_as(:manager_id) AS acting \gset
SET LOCAL ROLE perfmgmt_leader;
SELECT author_name, relation, question_name, item_text FROM olr.feedback
WHERE employee_id = :alice_id AND question = 'growth' ORDER BY relation, author_name;
SELECT full_name, asked, answered, response_share, from_peers, from_stakeholders, projects_answered FROM olr.feedback_coverage
WHERE asked > 0 ORDER BY full_name;
COMMIT;
\echo 'What Alice knows of it: the names she proposed, whatever came of them.'
BEGIN;
SELECT perfmgmt.act_as(:alice_id) AS acting \gset
SET LOCAL ROLE perfmgmt_employee;
SELECT full_name, relation, project FROM perf.own_nominations();
COMMIT;
DROP VIEW line;
DROP TABLE written;
