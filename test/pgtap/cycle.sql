-- Cycles, who takes part, decisions by two people, and moves.
SELECT * FROM no_plan() \g /dev/null
SET search_path = public, perf, perfmgmt;

-- What a statement answers to a person in a role, in a transaction of its own.
-- \gexec runs what as_person() returns; the answers are collected in "heard".
CREATE TABLE heard (place int GENERATED ALWAYS AS IDENTITY, actor int, label text, answer text);
GRANT INSERT ON heard TO PUBLIC;
CREATE FUNCTION answer(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE statement INTO result;
    RETURN coalesce(nullif(result, ''), 'done');
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
CREATE FUNCTION as_person(actor int, role_name text, label text, statement text) RETURNS text LANGUAGE sql AS $$
    SELECT format('BEGIN; %s SET LOCAL ROLE perfmgmt_%s; INSERT INTO public.heard (actor, label, answer) VALUES (%L, %L, public.answer(%L)); COMMIT',
                  'SELECT perfmgmt.act_as(' || actor || ');', role_name, actor, label, statement)
$$;
CREATE FUNCTION heard(of_label text) RETURNS text LANGUAGE sql AS $$ SELECT h.answer FROM public.heard h WHERE h.label = of_label ORDER BY h.place DESC LIMIT 1 $$;

-- Taking part --------------------------------------------------------------

SELECT results_eq($$SELECT eligibility, array_agg(employee_id ORDER BY employee_id), min(eligibility_reason)
                    FROM perf.participation WHERE review_cycle_id = 2 AND eligibility <> 'eligible' GROUP BY 1 ORDER BY 1$$,
    $$VALUES ('left', '{29}'::int[], 'left before the period ended'),
             ('on_leave', '{31}', 'on leave for more than half of the period'),
             ('too_new', '{30}', 'hired after 2024-12-30')$$, 'everybody who is not eligible, with the reason');
SELECT is((SELECT count(*) FROM participation WHERE review_cycle_id = 2 AND eligibility = 'eligible'), 28::bigint, 'the others are eligible');
SELECT is_empty('SELECT * FROM perf.participation WHERE review_cycle_id = 1 AND employee_id = 30', 'who came after the period takes no part');
SELECT results_eq('SELECT manager_id, team_id, level_code, level_rank, manager_chain FROM perf.participation WHERE employee_id = 22 AND review_cycle_id = 2',
    $$VALUES (7, 3, 'SDE II', 2, '{7,3,1}'::int[])$$, 'manager, team, level and chain are copied');

-- the boundaries, in a company of a few more people
INSERT INTO employee (employee_id, external_id, full_name, hired_on, left_on) VALUES
    (101, 'B1', 'Hired on the last day that counts', '2025-12-30', NULL),
    (102, 'B2', 'Hired a day later', '2025-12-31', NULL),
    (103, 'B3', 'Left on the last day of the period', '2020-01-01', '2026-06-30'),
    (104, 'B4', 'Left the day after', '2020-01-01', '2026-07-01'),
    (105, 'B5', 'Away for half of 365 days, rounded down', '2020-01-01', NULL),
    (106, 'B6', 'Away for half, rounded up', '2020-01-01', NULL),
    (107, 'B7', 'Two managers, the first one longer', '2020-01-01', NULL),
    (108, 'B8', 'Two managers, the second one longer', '2020-01-01', NULL),
    (109, 'B9', 'One manager twice, together longer', '2020-01-01', NULL),
    (110, 'B10', 'Both equally long', '2020-01-01', NULL);
INSERT INTO assignment (employee_id, manager_id, team_id, level_code, valid_during)
SELECT e.employee_id, 4, 2, 'SDE I', daterange(e.hired_on, e.left_on) FROM employee e WHERE e.employee_id BETWEEN 101 AND 106;
INSERT INTO absence (employee_id, valid_during) VALUES (105, '[2025-06-01,2025-12-30)'), (106, '[2025-06-01,2025-12-31)');
INSERT INTO assignment (employee_id, manager_id, team_id, level_code, valid_during) VALUES
    (107, 4, 2, 'SDE I', '[2020-01-01,2026-01-02)'), (107, 5, 3, 'SDE II', '[2026-01-02,)'),
    (108, 4, 2, 'SDE I', '[2020-01-01,2025-12-01)'), (108, 5, 3, 'SDE II', '[2025-12-01,)'),
    (109, 4, 2, 'SDE I', '[2020-01-01,2025-10-15)'), (109, 5, 3, 'SDE I', '[2025-10-15,2026-03-15)'), (109, 4, 2, 'SDE II', '[2026-03-15,)'),
    (110, 4, 2, 'SDE I', '[2025-07-03,2025-12-31)'), (110, 5, 3, 'SDE II', '[2025-12-31,2026-06-30)');
SELECT create_cycle('2026', '2025-07-01', '2026-06-30', 2) AS cycle \gset
SELECT results_eq(format('SELECT status, too_new_after, forte_opens_on, forte_closes_on FROM perf.review_cycle WHERE review_cycle_id = %s', :cycle),
    $$VALUES ('draft', date '2025-12-30', date '2026-07-01', date '2026-11-30')$$, 'dates that a cycle gets by default');
SELECT is(open_cycle(:cycle), 40, 'open_cycle() returns the people: all but the one who left before');
SELECT results_eq(format('SELECT employee_id, eligibility FROM perf.participation WHERE review_cycle_id = %s AND employee_id BETWEEN 101 AND 106 ORDER BY 1', :cycle),
    $$VALUES (101, 'eligible'), (102, 'too_new'), (103, 'left'), (104, 'eligible'), (105, 'eligible'), (106, 'on_leave')$$, 'the boundaries of eligibility');
SELECT results_eq(format('SELECT employee_id, manager_id, team_id, level_code FROM perf.participation WHERE review_cycle_id = %s AND employee_id BETWEEN 107 AND 110 ORDER BY 1', :cycle),
    $$VALUES (107, 4, 3, 'SDE II'), (108, 5, 3, 'SDE II'), (109, 4, 2, 'SDE II'), (110, 5, 3, 'SDE II')$$,
    'manager of record: most days, the later one at a tie; team and level: the latest');
SELECT results_eq(format('SELECT group_name, depth, (parent_group_id IS NULL) FROM perf.calibration_group WHERE review_cycle_id = %s ORDER BY 1', :cycle),
    $$VALUES ('alpha', 1, false), ('beta', 1, false), ('company', 0, true)$$, 'the calibration tree is copied');

-- Lots ---------------------------------------------------------------------

SELECT is(c.lot_commitment, sha256(c.lot_key), 'after the release the key is there, and is the one committed to')
FROM review_cycle c WHERE c.review_cycle_id = 1;
SELECT is_empty($$SELECT p.employee_id FROM perf.participation p JOIN perf.employee e USING (employee_id) JOIN perf.review_cycle c USING (review_cycle_id)
                  WHERE c.review_cycle_id = 1
                    AND p.lot <> ('x' || left(encode(sha256(c.lot_key || convert_to(e.external_id, 'UTF8')), 'hex'), 16))::bit(64)::bigint & x'7fffffffffffffff'::bigint$$,
    'and everybody can compute every lot again');
SELECT is_empty('SELECT * FROM perf.review_cycle_secret WHERE review_cycle_id = 1', 'the secret is gone');
SELECT is(c.lot_key, NULL, 'before the release the key is hidden') FROM review_cycle c WHERE c.review_cycle_id = 2;
SELECT is(c.lot_commitment, sha256(s.lot_key), 'and committed to') FROM review_cycle c JOIN review_cycle_secret s USING (review_cycle_id) WHERE c.review_cycle_id = 2;
SELECT is((SELECT count(DISTINCT lot) FROM participation WHERE review_cycle_id = 2), 31::bigint, 'lots differ');
SELECT is((SELECT count(DISTINCT lot_commitment) FROM review_cycle), 3::bigint, 'each cycle has a key of its own');

-- States -------------------------------------------------------------------

SELECT throws_ok('SELECT perf.open_cycle(2)', 'PM004', 'opening is not possible while the cycle is calibration', 'an open cycle is not opened again');
SELECT throws_ok('SELECT perf.open_cycle(999)', 'PM004', 'review cycle 999 does not exist', 'nor one that does not exist');
SELECT throws_ok('SELECT perf.advance_cycle(2)', 'PM004', NULL, 'advance_cycle() does not release');
SELECT throws_ok(format('SELECT perf.calibrate(%s)', :cycle), 'PM004', NULL, 'no calibration while Forte is open');
SELECT throws_ok('SELECT * FROM perf.calibrate(1)', 'PM004', NULL, 'nor after the release');
SELECT throws_ok($$SELECT perf.release_forte(2, 'x')$$, 'PM006', NULL, 'a named person releases, not the owner');
SELECT is(advance_cycle(:cycle), 'assessment', 'after forte_open comes assessment');
SELECT is(advance_cycle(:cycle), 'calibration', 'then calibration');
SELECT as_person(26, 'hr', 'release', format('SELECT perf.release_forte(%s, %L)', v.cycle, 'x')) FROM (VALUES (1)) v(cycle) \gexec
SELECT matches(heard('release'), '^PM004', 'a released cycle is not released again');
SELECT as_person(26, 'hr', 'no reason', $$SELECT perf.release_forte(2, ' ')$$) \gexec
SELECT matches(heard('no reason'), '^22004', 'a release needs a reason');
BEGIN;
SELECT is(advance_cycle(1), 'closed', 'a released cycle can be closed');
SELECT throws_ok('SELECT perf.advance_cycle(1)', 'PM004', NULL, 'which is the end');
ROLLBACK;
SELECT throws_ok($$SELECT perf.create_cycle('x', '2026-07-01', '2026-07-01')$$, '23514', NULL, 'a period has two days at least');
SELECT throws_ok($$SELECT perf.create_cycle('2024', '2026-07-01', '2027-06-30')$$, '23505', NULL, 'a name is used once');

-- Rights -------------------------------------------------------------------

CREATE TEMP TABLE hr_only (statement text);
INSERT INTO hr_only VALUES
    ($$SELECT perf.create_cycle('y', '2026-07-01', '2027-06-30')$$), ('SELECT perf.open_cycle(2)'), ('SELECT perf.advance_cycle(2)'),
    ('SELECT * FROM perf.calibrate(2)'), ($$SELECT perf.release_forte(2, 'x')$$), ('SELECT * FROM perf.move_employee(13, 4)'),
    ($$SELECT perf.map_login('somebody', 1)$$), ($$SELECT perf.record_absence(8, '[2025-01-01,2025-02-01)')$$),
    ('SELECT perf.new_policy_version(1)'), ($$SELECT perf.appoint(4, 'hr', 'x')$$),
    ($$SELECT perf.change_eligibility(2, 13, 'transferred', 'x')$$), ('SELECT perf.refresh_organisation()');
SELECT as_person(4, 'hr', 'no appointment ' || statement, statement) FROM hr_only \gexec
SELECT matches(heard('no appointment ' || statement), '^PM006', 'not without the appointment: ' || statement) FROM hr_only;
SELECT as_person(26, r, r || ' ' || statement, statement) FROM hr_only, unnest('{employee,leader,auditor}'::text[]) r \gexec
SELECT is_empty($$SELECT label, answer FROM heard WHERE label ~ '^(employee|leader|auditor) ' AND answer NOT LIKE '42501%'$$, 'nor in another role');

-- Decisions ----------------------------------------------------------------

SELECT results_eq('SELECT employee_id, proposed_by, decided_by, outcome FROM perf.decision ORDER BY decision_id LIMIT 3',
    $$VALUES (26, NULL::int, NULL::int, 'approved'), (27, NULL, NULL, 'approved'), (28, 26, 27, 'approved')$$,
    'the owner made the first two appointments, they made the third');
SELECT throws_ok($$SELECT perf.appoint(12, 'hr', 'x')$$, 'PM006', NULL, 'the owner appoints nobody any more');
SELECT as_person(26, 'hr', 'self', $$SELECT perf.appoint(26, 'auditor', 'x')$$),
       as_person(26, 'hr', 'kind', $$SELECT perf.appoint(12, 'emperor', 'x')$$),
       as_person(26, 'hr', 'reason', $$SELECT perf.appoint(12, 'auditor', ' ')$$),
       as_person(26, 'hr', 'nobody', $$SELECT perf.appoint(999, 'auditor', 'x')$$),
       as_person(26, 'hr', 'code', $$SELECT perf.change_eligibility(2, 13, 'lucky', 'x')$$),
       as_person(26, 'hr', 'no part', $$SELECT perf.change_eligibility(1, 30, 'transferred', 'x')$$),
       as_person(26, 'hr', 'own part', $$SELECT perf.change_eligibility(2, 26, 'transferred', 'x')$$) \gexec
SELECT matches(heard('self'), '^PM005', 'nobody proposes about oneself');
SELECT matches(heard('own part'), '^PM005', 'of any kind');
SELECT matches(heard('kind'), '^22023', 'an unknown office');
SELECT matches(heard('reason'), '^22004', 'no reason');
SELECT matches(heard('nobody'), '^23503', 'an unknown person');
SELECT matches(heard('code'), '^22023', 'an unknown eligibility');
SELECT matches(heard('no part'), '^PM004', 'a person who takes no part');

SELECT as_person(26, 'hr', 'proposed', $$SELECT perf.change_eligibility(2, 14, 'transferred', 'came from another company of the group')$$) \gexec
SELECT heard('proposed') AS proposed \gset
SELECT is(eligibility, 'eligible', 'a proposal changes nothing') FROM participation WHERE (employee_id, review_cycle_id) = (14, 2);
SELECT as_person(26, 'hr', 'alone', format('SELECT perf.approve(%s)', :proposed)),
       as_person(4, 'hr', 'unappointed', format('SELECT perf.approve(%s)', :proposed)) \gexec
SELECT is(heard('alone'), 'PM005 a second person must decide', 'the proposer does not approve');
SELECT is(heard('unappointed'), format('PM004 there is no decision %s for you to decide', :proposed), 'nor somebody without the appointment');
SELECT throws_ok(format('SELECT perf.approve(%s)', :proposed), 'PM004', NULL, 'nor the owner');
BEGIN;
SELECT act_as(27) \g /dev/null
UPDATE decision SET proposed_in = pg_current_xact_id() WHERE decision_id = :proposed;
SELECT throws_ok(format('SELECT perf.approve(%s)', :proposed), 'PM005', 'a decision is decided in another transaction than it was proposed in', 'nor anybody in the same transaction');
ROLLBACK;
SELECT as_person(27, 'hr', 'approved', format('SELECT perf.approve(%s, %L)', :proposed, 'seen')),
       as_person(27, 'hr', 'again', format('SELECT perf.approve(%s)', :proposed)),
       as_person(27, 'hr', 'rejected later', format('SELECT perf.reject(%s)', :proposed)) \gexec
SELECT is(heard('approved'), 'done', 'a second person approves');
SELECT matches(heard('again'), '^PM004.*was decided before', 'once');
SELECT matches(heard('rejected later'), '^PM004.*was decided before', 'and does not reject it afterwards');
SELECT results_eq(format('SELECT proposed_by, decided_by, outcome, comment FROM perf.decision WHERE decision_id = %s', :proposed),
    $$VALUES (26, 27, 'approved', 'seen')$$, 'both are on record');
SELECT results_eq('SELECT eligibility, eligibility_reason FROM perf.participation WHERE (employee_id, review_cycle_id) = (14, 2)',
    $$VALUES ('transferred', 'came from another company of the group')$$, 'it takes effect');
SELECT calibrate(2) \g /dev/null
SELECT results_eq('SELECT takes_seat, quota_tier = proposed_tier FROM perf.overall_value WHERE (employee_id, review_cycle_id) = (14, 2)',
    'VALUES (false, true)', 'calibrate() takes it up: no seat, the proposed tier stands');

-- about oneself, about somebody above, and a rejection
SELECT as_person(26, 'hr', 'about 27', $$SELECT perf.change_eligibility(2, 27, 'transferred', 'x')$$),
       as_person(27, 'hr', 'about 1', $$SELECT perf.change_eligibility(2, 1, 'transferred', 'x')$$),
       as_person(26, 'hr', 'about 15', $$SELECT perf.change_eligibility(2, 15, 'transferred', 'x')$$),
       as_person(26, 'hr', 'released', $$SELECT perf.change_eligibility(1, 15, 'transferred', 'x')$$) \gexec
SELECT as_person(27, 'hr', 'oneself', format('SELECT perf.approve(%s)', heard('about 27'))),
       as_person(26, 'hr', 'above', format('SELECT perf.approve(%s)', heard('about 1'))),
       as_person(27, 'hr', 'rejection', format('SELECT perf.reject(%s, %L)', heard('about 15'), 'not so')),
       as_person(27, 'hr', 'too late', format('SELECT perf.approve(%s)', heard('released'))) \gexec
SELECT is(heard('oneself'), format('PM004 there is no decision %s for you to decide', heard('about 27')), 'nobody decides about oneself, or learns of it');
SELECT is(heard('above'), 'PM005 nobody decides about somebody above oneself', 'nobody decides about somebody above');
SELECT is(heard('rejection'), 'done', 'a second person rejects');
SELECT is(eligibility, 'eligible', 'and nothing happens') FROM participation WHERE (employee_id, review_cycle_id) = (15, 2);
SELECT matches(heard('too late'), '^PM004', 'no eligibility changes after the release');
SELECT is((SELECT outcome FROM decision WHERE decision_id = heard('released')::int), 'pending', 'and the decision is not taken by an approval that failed');
SELECT as_person(26, 'hr', 'office', $$SELECT perf.appoint(12, 'auditor', 'second auditor', CURRENT_DATE + 30)$$) \gexec
SELECT as_person(27, 'hr', 'office approved', format('SELECT perf.approve(%s)', heard('office'))) \gexec
SELECT results_eq('SELECT appointment_kind, valid_during FROM perf.appointment WHERE employee_id = 12',
    $$VALUES ('auditor', daterange(CURRENT_DATE, CURRENT_DATE + 30))$$, 'an appointment with an end');

-- Moves --------------------------------------------------------------------

CREATE FUNCTION chains(relation regclass, of_cycle int) RETURNS TABLE (employee_id int, chain int[]) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT DISTINCT t.employee_id, t.manager_chain FROM %s t
        WHERE t.review_cycle_id = %s AND t.employee_id IN (7, 22, 23, 24, 25) ORDER BY 1', relation, of_cycle);
END
$$;
SELECT as_person(26, 'hr', 'move', 'SELECT count(*) FROM perf.move_employee(7, 2, CURRENT_DATE, 2)') \gexec
SELECT is(heard('move'), '0', 'a move as of today touches no period that is over');
SELECT results_eq('SELECT employee_id, manager_chain FROM perf.employee WHERE employee_id IN (7, 22, 23, 24, 25) ORDER BY 1',
    $$VALUES (7, '{2,1}'::int[]), (22, '{7,2,1}'), (23, '{7,2,1}'), (24, '{7,2,1}'), (25, '{7,2,1}')$$, 'everybody below moves along');
SELECT results_eq(format('SELECT * FROM chains(%L, 2)', r),
    $$VALUES (7, '{2,1}'::int[]), (22, '{7,2,1}'), (23, '{7,2,1}'), (24, '{7,2,1}'), (25, '{7,2,1}')$$, 'the open cycle follows: ' || r)
FROM unnest('{perf.participation,perf.principle_rating,perf.assessment,perf.overall_value}'::text[]) r;
SELECT results_eq(format('SELECT * FROM chains(%L, 1)', r),
    $$VALUES (7, '{3,1}'::int[]), (22, '{7,3,1}'), (23, '{7,3,1}'), (24, '{7,3,1}'), (25, '{7,3,1}')$$, 'the released one stays: ' || r)
FROM unnest('{perf.participation,perf.principle_rating,perf.assessment,perf.overall_value}'::text[]) r;
SELECT is((SELECT manager_id FROM participation WHERE (employee_id, review_cycle_id) = (7, 2)), 3, 'the manager of record stays');
SELECT is((SELECT team_id FROM assignment WHERE employee_id = 7 AND valid_during @> CURRENT_DATE), 2, 'the team is the new one');

SELECT as_person(26, 'hr', 'below', 'SELECT * FROM perf.move_employee(2, 22)'),
       as_person(26, 'hr', 'to oneself', 'SELECT * FROM perf.move_employee(2, 2)'),
       as_person(26, 'hr', 'before', $$SELECT * FROM perf.move_employee(8, 5, '2019-12-31')$$),
       as_person(26, 'hr', 'unknown', 'SELECT * FROM perf.move_employee(999, 5)'),
       as_person(26, 'hr', 'to nobody known', 'SELECT * FROM perf.move_employee(8, 999)') \gexec
SELECT as_person(26, 'hr', 'later below', 'SELECT * FROM perf.move_employee(2, 22, CURRENT_DATE + 10)'),
       as_person(26, 'hr', 'own move', 'SELECT * FROM perf.move_employee(26, 2)'),
       as_person(26, 'hr', 'own leave', $$SELECT perf.record_absence(26, '[2025-01-01,2025-12-31)')$$),
       as_person(26, 'hr', 'to who left', 'SELECT * FROM perf.move_employee(8, 29)') \gexec
SELECT is(heard('later below'), 'PM005 the line of managers comes back to itself', 'nobody moves below oneself at a later day');
SELECT matches(heard('own move'), '^PM005', 'nobody moves oneself');
SELECT matches(heard('own leave'), '^PM005', 'or records the own leave');
SELECT matches(heard('to who left'), '^PM005', 'nobody moves to a manager who left');
SELECT is(heard('below'), 'PM005 the line of managers comes back to itself', 'nobody moves below oneself');
SELECT matches(heard('to oneself'), '^23514', 'or to oneself');
SELECT matches(heard('before'), '^PM004', 'no assignment on that day');
SELECT matches(heard('unknown'), '^PM004', 'no such person');
SELECT matches(heard('to nobody known'), '^23503', 'no such manager');
SELECT is((SELECT manager_chain FROM employee WHERE employee_id = 22), '{7,2,1}', 'and nothing has changed');

-- in the past: the participations of open cycles are listed, for HR to decide
SELECT as_person(26, 'hr', 'back-dated', $$SELECT string_agg(format('%s %s %s', review_cycle_id, employee_id, manager_of_record_id), ', ' ORDER BY 1) FROM perf.move_employee(8, 5, '2024-01-15')$$) \gexec
SELECT is(heard('back-dated'), format('2 8 4, %s 8 4', :cycle), 'a back-dated move lists the open cycles it touches, not the released one');
SELECT results_eq('SELECT manager_id, valid_during FROM perf.assignment WHERE employee_id = 8 ORDER BY valid_during',
    $$VALUES (4, daterange('2020-01-09', '2024-01-15')), (5, daterange('2024-01-15', NULL))$$, 'the assignments say so');
SELECT is((SELECT manager_id FROM participation WHERE (employee_id, review_cycle_id) = (8, 2)), 4, 'the manager of record is HR''s to change');
SELECT as_person(26, 'hr', 'same day', $$SELECT count(*) FROM perf.move_employee(8, 4, '2024-01-15')$$) \gexec
SELECT results_eq('SELECT manager_id, valid_during FROM perf.assignment WHERE employee_id = 8 ORDER BY valid_during',
    $$VALUES (4, daterange('2020-01-09', '2024-01-15')), (4, daterange('2024-01-15', NULL))$$, 'a move on the first day of an assignment corrects it');
-- in the future: nothing yet
SELECT as_person(26, 'hr', 'future', 'SELECT count(*) FROM perf.move_employee(9, 5, CURRENT_DATE + 10)') \gexec
SELECT is((SELECT manager_chain FROM employee WHERE employee_id = 9), '{4,2,1}', 'a move in the future changes no chain today');
SELECT is(refresh_organisation(), 0, 'and has not begun');
-- an assignment that began while nobody looked
ALTER TABLE assignment DISABLE TRIGGER USER;
UPDATE assignment SET manager_id = 5 WHERE employee_id = 10;
ALTER TABLE assignment ENABLE TRIGGER USER;
SELECT is(refresh_organisation(), 1, 'refresh_organisation() takes up what has begun');
SELECT is((SELECT manager_chain FROM employee WHERE employee_id = 10), '{5,2,1}', 'the chain is right again');

-- who maps a login sees with that person's eyes: HR needs a second person
BEGIN;
SELECT act_as(26) \g /dev/null
SELECT perf.map_login('some_login', 4) AS login_decision \gset
SELECT is((SELECT outcome FROM perf.decision WHERE decision_id = :login_decision), 'pending', 'a login mapped by HR waits for a second person');
SELECT throws_ok('SELECT perf.map_login(''some_login'', 26)', 'PM005', NULL, 'and nobody maps one to oneself');
COMMIT;
SELECT is_empty('SELECT 1 FROM perf.login WHERE role_name = ''some_login''', 'so far nothing is mapped');
BEGIN;
SELECT act_as(27) \g /dev/null
SELECT perf.approve(:login_decision) \g /dev/null
COMMIT;
SELECT results_eq('SELECT employee_id FROM perf.login WHERE role_name = ''some_login''', 'VALUES (4)', 'then it is');
SELECT throws_ok('SELECT * FROM perf.move_employee(8, NULL)', '22004', NULL, 'nobody becomes a second top by a move');

SELECT * FROM finish();
