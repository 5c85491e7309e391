-- The imports: which rows come in, which are refused with which reason at which
-- line, and that the same file again changes nothing.
BEGIN;
SELECT plan(118);

-- an empty company, until the end
SET LOCAL client_min_messages = warning;
SELECT format('ALTER TABLE %s DISABLE TRIGGER audit_truncate', t.tgrelid::regclass)
FROM pg_trigger t WHERE t.tgname = 'audit_truncate' \gexec
TRUNCATE perf.employee, perf.team, perf.review_cycle CASCADE;
SET LOCAL search_path = public, pg_catalog;

-- what the last import refused or remarked on, as "line reason, line reason"
CREATE FUNCTION pg_temp.problems(import text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(p.line_number || ' ' || p.import_reason, ', ' ORDER BY p.line_number, p.import_reason)
    FROM perf.import_problems(import) p
$$;
-- a person in few words: the other columns are good
CREATE FUNCTION pg_temp.stage(id text, manager text, VARIADIC changes text[] DEFAULT '{}') RETURNS void LANGUAGE sql AS $$
    INSERT INTO perf.import_employee (external_id, full_name, email, hired_on, left_on, manager_external_id, team, parent_team, level, location, valid_from)
    SELECT r.external_id, r.full_name, r.email, r.hired_on, r.left_on, r.manager_external_id, r.team, r.parent_team, r.level, r.location, r.valid_from
    FROM jsonb_populate_record(NULL::perf.import_employee,
             jsonb_build_object('external_id', id, 'full_name', concat('Name-', id), 'hired_on', '2020-01-01',
                                'manager_external_id', manager, 'team', 'ALL', 'level', 'SDE I')
             || jsonb_object(changes)) r
$$;
CREATE FUNCTION pg_temp.assignments(id text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s %s', coalesce(m.external_id, '-'), t.team_code, a.valid_during), '; ' ORDER BY a.valid_during)
    FROM perf.assignment a JOIN perf.employee e USING (employee_id) JOIN perf.team t USING (team_id)
    LEFT JOIN perf.employee m ON m.employee_id = a.manager_id WHERE e.external_id = id
$$;
CREATE FUNCTION pg_temp.chain(id text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(m.external_id, ' ' ORDER BY c.n) FROM perf.employee e
    CROSS JOIN unnest(e.manager_chain) WITH ORDINALITY c(id, n) JOIN perf.employee m ON m.employee_id = c.id
    WHERE e.external_id = chain.id
$$;

---------------------------------------------------------------- pieces

SELECT is(perf.is_iso_date(d), wanted, format('is_iso_date(%L)', d)) FROM (VALUES
    ('2024-02-29', true), ('2023-02-29', false), ('1900-02-29', false), ('2000-02-29', true), ('0000-01-01', false),
    ('2024-04-31', false), ('2024-12-31', true), ('2024-13-01', false), ('2024-1-1', false), ('20240101', false),
    ('2024-01-01 00:00', false), ('infinity', false)) AS v(d, wanted);
SELECT is((SELECT count(*) FROM generate_series(date '1896-01-01', date '2104-12-31', interval '1 day') d
           WHERE NOT perf.is_iso_date(to_char(d, 'YYYY-MM-DD'))), 0::bigint, 'every day of 208 years is a date');
SELECT is(perf.on_a_circle('{2,3,0,1}'), '{}', 'a tree has no circle');
SELECT is(perf.on_a_circle('{2,3,2,3,6,6,0}'), '{2,3,6}', 'only those on the circle, not those below');
SELECT is(perf.on_a_circle(ARRAY(SELECT i % 1000 + 1 FROM generate_series(1, 1000) i)),
          ARRAY(SELECT generate_series(1, 1000)), 'a circle of a thousand');
SELECT is(perf.on_a_circle('{}'), '{}', 'nobody');

---------------------------------------------------------------- the example company

SAVEPOINT without_company;
\copy perf.import_employee (external_id, full_name, email, hired_on, left_on, manager_external_id, team, parent_team, level, location, valid_from) from 'examples/company/employees.csv' with (format csv, header)
SELECT is((SELECT i::text FROM perf.import_org() i), '(2400,2400,0,0,0)', 'the example company comes in');
SELECT perf.open_cycle(perf.create_cycle('example', '2025-10-01', '2026-09-30', too_new_after => '2026-06-01')) AS people \gset
SELECT review_cycle_id AS cycle FROM perf.review_cycle \gset
\copy perf.import_principle_rating (employee_external_id, rater_external_id, relation, scores, comment) from 'examples/company/principle_ratings.csv' with (format csv, header)
SELECT is((SELECT i::text FROM perf.import_ratings(:cycle) i), '(18115,18115,0,0,0)', 'its ratings');
\copy perf.import_assessment (employee_external_id, job_performance, potential, assessed_by_external_id, summary) from 'examples/company/assessments.csv' with (format csv, header)
SELECT is((SELECT i::text FROM perf.import_assessments(:cycle) i), '(2260,2260,0,0,0)', 'its assessments');
\copy perf.import_accomplishment (employee_external_id, claim, link, period_from, period_to, verified_by_external_id) from 'examples/company/accomplishments.csv' with (format csv, header)
SELECT is((SELECT i::text FROM perf.import_accomplishments() i), '(2308,2308,0,0,0)', 'its accomplishments');
SELECT is((SELECT count(*) FROM perf.assignment WHERE manager_id IS NULL), 1::bigint, 'one person stands at the top');

-- the broken files give what examples/README.md says
\copy perf.import_line (line) from 'examples/company/broken/employees.csv' with (format csv, delimiter E'\x01', quote E'\x02')
SELECT is(perf.stage_lines('import_employee'), 24, 'broken/employees.csv');
SELECT is((SELECT i::text FROM perf.import_org() i), '(24,6,1,17,3)', 'broken/employees.csv: six new people');
SELECT is(pg_temp.problems(NULL),
    '5 missing_external_id, 6 duplicate_external_id, 7 unknown_manager, 8 management_cycle, 9 management_cycle, 10 management_cycle,'
    ' 11 management_cycle, 12 second_top, 13 manager_left, 14 date_order, 15 date_order, 16 bad_date, 17 bad_date, 18 unknown_level,'
    ' 19 missing_value, 20 unknown_team, 21 missing_value, 22 white_space, 23 white_space, 24 byte_order_mark', 'broken/employees.csv: reasons');
\copy perf.import_line (line) from 'examples/company/broken/employees_too_many_columns.csv' with (format csv, delimiter E'\x01', quote E'\x02')
SELECT is(perf.stage_lines('import_employee'), 2, 'broken/employees_too_many_columns.csv: two good rows');
SELECT is(pg_temp.problems('stage_lines import_employee'), '3 too_many_columns', 'broken/employees_too_many_columns.csv: and one bad');
\copy perf.import_line (line) from 'examples/company/broken/employees_byte_order_mark.csv' with (format csv, delimiter E'\x01', quote E'\x02')
SELECT is(perf.stage_lines('import_employee'), 2, 'broken/employees_byte_order_mark.csv takes the place of what was staged');
SELECT is(pg_temp.problems('stage_lines import_employee'), '1 byte_order_mark', 'broken/employees_byte_order_mark.csv: with a warning');
SELECT is((SELECT i::text FROM perf.import_org() i), '(2,2,0,0,0)', 'broken/employees_byte_order_mark.csv: two new people');
\copy perf.import_principle_rating (employee_external_id, rater_external_id, relation, scores, comment) from 'examples/company/broken/principle_ratings.csv' with (format csv, header)
SELECT is((SELECT i::text FROM perf.import_ratings(:cycle) i), '(26,2,4,20,2)', 'broken/principle_ratings.csv');
SELECT is(pg_temp.problems('import_ratings'),
    '6 missing_external_id, 7 unknown_employee, 8 missing_value, 9 unknown_rater, 10 unknown_relation, 11 missing_value,'
    ' 12 unknown_principle, 13 unknown_principle, 14 unknown_principle, 15 score_out_of_range, 16 score_out_of_range,'
    ' 17 bad_score, 18 bad_score, 19 duplicate_principle, 20 rater_is_subject, 21 self_is_not_subject, 22 not_eligible,'
    ' 23 not_eligible, 24 duplicate_rater, 25 duplicate_rater, 26 white_space, 27 byte_order_mark', 'broken/principle_ratings.csv: reasons');
\copy perf.import_assessment (employee_external_id, job_performance, potential, assessed_by_external_id, summary) from 'examples/company/broken/assessments.csv' with (format csv, header)
SELECT is((SELECT i::text FROM perf.import_assessments(:cycle) i), '(20,0,5,15,2)', 'broken/assessments.csv');
SELECT is(pg_temp.problems('import_assessments'),
    '5 missing_external_id, 6 unknown_employee, 7 score_out_of_range, 8 score_out_of_range, 9 bad_score, 10 bad_score,'
    ' 11 score_out_of_range, 12 score_out_of_range, 13 score_out_of_range, 14 unknown_rater, 15 rater_is_subject, 16 not_eligible,'
    ' 17 not_eligible, 18 duplicate_employee, 19 white_space, 20 byte_order_mark, 21 duplicate_employee, 21 missing_value',
    'broken/assessments.csv: reasons');
ROLLBACK TO without_company;

---------------------------------------------------------------- people

-- in an order in which reports come before managers
SELECT pg_temp.stage('W1', 'M1', 'team', 'B', 'parent_team', 'A'), pg_temp.stage('M1', 'TOP', 'team', 'A', 'parent_team', 'ALL'),
       pg_temp.stage('M2', 'TOP', 'team', 'A', 'parent_team', 'ALL'), pg_temp.stage('TOP', NULL),
       pg_temp.stage('W2', 'M1', 'team', 'B', 'parent_team', 'A', 'valid_from', '2021-01-01'),
       pg_temp.stage('GONE', 'M1', 'left_on', '2025-01-01');
SELECT is((SELECT i::text FROM perf.import_org() i), '(6,6,0,0,0)', 'six people come in');
SELECT is(pg_temp.problems('import_org'), NULL, 'without a problem');
SELECT is(pg_temp.chain('W1'), 'M1 TOP', 'the line of managers is known');
SELECT results_eq('SELECT t.team_code, p.team_code FROM perf.team t LEFT JOIN perf.team p ON p.team_id = t.parent_team_id ORDER BY 1',
                  $$VALUES ('A', 'ALL'), ('ALL', NULL), ('B', 'A')$$, 'the tree of teams is known');
SELECT is(pg_temp.assignments('GONE'), 'M1 ALL [2020-01-01,2025-01-01)', 'an assignment ends when the person left');
SELECT is((SELECT count(*) FROM perf.import_employee), 0::bigint, 'the staging table is empty afterwards');

SELECT pg_temp.stage('W1', 'M1', 'team', 'B', 'parent_team', 'A'), pg_temp.stage('TOP', NULL), pg_temp.stage('W2', 'M1', 'team', 'B', 'valid_from', '2021-01-01'),
       pg_temp.stage('GONE', 'M1', 'left_on', '2025-01-01'), pg_temp.stage('GONE', 'M1');
CREATE TEMP TABLE before AS SELECT 'e' AS kind, xmin::text AS version, ctid::text AS place FROM perf.employee UNION ALL SELECT 'a', xmin::text, ctid::text FROM perf.assignment UNION ALL SELECT 't', xmin::text, ctid::text FROM perf.team;
SELECT is((SELECT i::text FROM perf.import_org() i), '(5,0,4,1,0)', 'the same rows again are unchanged');
SELECT is(pg_temp.problems('import_org'), '6 duplicate_external_id', 'the line numbers begin at 2 again');
SELECT set_eq($$SELECT 'e' AS kind, xmin::text AS version, ctid::text AS place FROM perf.employee UNION ALL SELECT 'a', xmin::text, ctid::text FROM perf.assignment UNION ALL SELECT 't', xmin::text, ctid::text FROM perf.team$$,
              'SELECT * FROM before', 'and nothing is written');

-- every reason
SELECT pg_temp.stage(NULL, 'M1'), pg_temp.stage('N1', 'M1'), pg_temp.stage('N1', 'M2'),             -- 2 3 4
       pg_temp.stage('N2', 'M1', 'full_name', ''), pg_temp.stage('N3', 'M1', 'level', NULL),        -- 5 6
       pg_temp.stage('N4', 'NOBODY'), pg_temp.stage('N5', 'N4'), pg_temp.stage('N6', 'N5'),         -- 7 8 9
       pg_temp.stage('N7', 'N8'), pg_temp.stage('N8', 'N7'), pg_temp.stage('N9', 'N8'),             -- 10 11 12
       pg_temp.stage('N10', 'N10'), pg_temp.stage('TOP2', NULL),                                    -- 13 14
       pg_temp.stage('N11', 'GONE', 'valid_from', '2025-01-01', 'hired_on', '2025-01-01'),          -- 15
       pg_temp.stage('N12', 'M1', 'hired_on', '2026-02-30'), pg_temp.stage('N13', 'M1', 'left_on', '1.2.2026'), -- 16 17
       pg_temp.stage('N14', 'M1', 'left_on', '2019-01-01'), pg_temp.stage('N15', 'M1', 'valid_from', '2019-12-31'), -- 18 19
       pg_temp.stage('N16', 'M1', 'level', 'SDE X'), pg_temp.stage('N17', 'M1', 'team', 'X', 'parent_team', 'Y'), -- 20 21
       pg_temp.stage('N18', 'M1', 'team', 'C', 'parent_team', 'A'), pg_temp.stage('N19', 'M1', 'team', 'C', 'parent_team', 'B'), -- 22 23
       pg_temp.stage('N20', 'M1', 'team', 'P', 'parent_team', 'Q'), pg_temp.stage('N21', 'M1', 'team', 'Q', 'parent_team', 'P'), -- 24 25
       pg_temp.stage('N22', 'M1', 'team', 'A', 'parent_team', 'B'),                                 -- 26
       pg_temp.stage(' N23', 'M1', 'level', E'SDE I\t'), pg_temp.stage(E'\uFEFFN24', 'M1'),         -- 27 28
       pg_temp.stage(repeat('N', 201), 'M1'),                                                       -- 29
       pg_temp.stage('W2', 'M2', 'team', 'B', 'valid_from', '2020-06-01'),                          -- 30
       pg_temp.stage('TOP', 'W1'), pg_temp.stage('N25', 'N1', 'left_on', '9999-12-31');             -- 31 32
SELECT is((SELECT i::text FROM perf.import_org() i), '(31,5,0,26,2)', 'five good rows among bad ones');
SELECT is(pg_temp.problems('import_org'),
    '2 missing_external_id, 4 duplicate_external_id, 5 missing_value, 6 missing_value, 7 unknown_manager, 8 unknown_manager,'
    ' 9 unknown_manager, 10 management_cycle, 11 management_cycle, 12 unknown_manager, 13 management_cycle, 14 second_top,'
    ' 15 manager_left, 16 bad_date, 17 bad_date, 18 date_order, 19 date_order, 20 unknown_level, 21 unknown_team, 23 team_conflict,'
    ' 24 unknown_team, 25 unknown_team, 26 unknown_team, 27 white_space, 28 byte_order_mark, 29 too_long, 30 later_assignment,'
    ' 31 management_cycle', 'every reason at its line');
SELECT results_eq('SELECT external_id FROM perf.employee WHERE external_id LIKE ''N%'' ORDER BY employee_id',
                  $$VALUES ('N1'), ('N18'), ('N23'), ('N24'), ('N25')$$, 'the good rows are in');
SELECT is(pg_temp.chain('N25'), 'N1 M1 TOP', 'in their place');
SELECT ok(pg_temp.assignments('W2') = 'M1 B [2021-01-01,)' AND pg_temp.assignments('TOP') = '- ALL [2020-01-01,)',
          'a refused row changes nothing of a known person');

CREATE TEMP TABLE everything AS SELECT * FROM perf.employee;
SELECT pg_temp.stage(NULL, 'M1'), pg_temp.stage('Z1', 'Z2'), pg_temp.stage('Z2', 'Z1'), pg_temp.stage('Z3', NULL, 'team', 'Z');
SELECT is((SELECT i::text FROM perf.import_org() i), '(4,0,0,4,0)', 'a file of bad rows');
SELECT is(pg_temp.problems('import_org'), '2 missing_external_id, 3 management_cycle, 4 management_cycle, 5 second_top',
          'gives its problems in place of those of the run before');
SELECT set_eq('SELECT * FROM perf.employee', 'SELECT * FROM everything', 'and nobody changed');
SELECT is((SELECT count(*) FROM perf.team WHERE team_code = 'Z'), 0::bigint, 'and no team was made');
SELECT is((SELECT i::text FROM perf.import_org() i), '(0,0,0,0,0)', 'an empty file');

---------------------------------------------------------------- changes of known people

SELECT pg_temp.stage('W1', 'M2', 'team', 'A', 'valid_from', '2022-06-01', 'full_name', 'New Name');
SELECT is((SELECT i::text FROM perf.import_org() i), '(1,1,0,0,0)', 'a move');
SELECT is(pg_temp.assignments('W1'), 'M1 B [2020-01-01,2022-06-01); M2 A [2022-06-01,)', 'ends one assignment and begins another');
SELECT is((SELECT full_name FROM perf.employee WHERE external_id = 'W1'), 'New Name', 'the name follows the file');
SELECT pg_temp.stage('W1', 'M1', 'team', 'B');
SELECT is((SELECT i::text FROM perf.import_org() i), '(1,0,1,0,0)', 'the older file again: known, so nothing changes');
SELECT is(pg_temp.assignments('W1'), 'M1 B [2020-01-01,2022-06-01); M2 A [2022-06-01,)', 'and nobody moves back');
SELECT pg_temp.stage('W1', 'M1', 'team', 'A', 'valid_from', '2022-06-01');
SELECT is((SELECT i::text FROM perf.import_org() i), '(1,1,0,0,0)', 'another manager from the same day on');
SELECT is(pg_temp.assignments('W1'), 'M1 B [2020-01-01,2022-06-01); M1 A [2022-06-01,)', 'corrects the assignment');
SELECT pg_temp.stage('W1', 'M1', 'team', 'A', 'valid_from', '2022-06-01', 'left_on', '2022-12-01');
SELECT is((SELECT i::text FROM perf.import_org() i), '(1,1,0,0,0)', 'somebody leaves');
SELECT is(pg_temp.assignments('W1') || ' ' || (SELECT left_on FROM perf.employee WHERE external_id = 'W1'),
          'M1 B [2020-01-01,2022-06-01); M1 A [2022-06-01,2022-12-01) 2022-12-01', 'the assignment ends');
SELECT pg_temp.stage('W1', 'M2', 'team', 'A', 'valid_from', '2023-02-01', 'hired_on', '2023-02-01');
SELECT is((SELECT i::text FROM perf.import_org() i), '(1,1,0,0,0)', 'and comes back');
SELECT is(pg_temp.assignments('W1') || coalesce((SELECT left_on::text FROM perf.employee WHERE external_id = 'W1'), ''),
          'M1 B [2020-01-01,2022-06-01); M1 A [2022-06-01,2022-12-01); M2 A [2023-02-01,)', 'with a new assignment, and is not gone any more');
SELECT is((SELECT count(*) FROM perf.employee WHERE external_id = 'W1'), 1::bigint, 'as the same person');
-- managers and reports change places, in one file: only the whole is a tree
SELECT pg_temp.stage('M1', 'W2', 'team', 'A', 'parent_team', 'ALL', 'valid_from', '2023-03-01'),
       pg_temp.stage('W2', 'TOP', 'team', 'B', 'valid_from', '2023-03-01');
SELECT is((SELECT i::text FROM perf.import_org() i), '(2,2,0,0,0)', 'two people change places');
SELECT is(pg_temp.chain('M1') || ', ' || pg_temp.chain('W2'), 'W2 TOP, TOP', 'and the lines of managers follow');
-- a circle today, although the last word of the file is a tree
SELECT pg_temp.stage('W2', 'M1', 'team', 'B', 'valid_from', '2023-04-01'),
       pg_temp.stage('M1', 'TOP', 'team', 'A', 'parent_team', 'ALL', 'valid_from', '9000-01-01');
SELECT is((SELECT i.rows_refused FROM perf.import_org() i), 2, 'a circle until a later day');
SELECT is(pg_temp.problems('import_org'), '2 management_cycle, 3 management_cycle', 'is refused too');
-- the top hands over
SELECT pg_temp.stage('NEXT', NULL, 'valid_from', '2023-05-01'), pg_temp.stage('TOP', 'NEXT', 'valid_from', '2023-05-01');
SELECT is((SELECT i::text FROM perf.import_org() i), '(2,2,0,0,0)', 'a new top above the old one');
SELECT is(pg_temp.chain('W2'), 'TOP NEXT', 'stands above everybody');
SELECT pg_temp.stage('EARLY', NULL, 'valid_from', '2023-06-01'), pg_temp.stage('NEXT', 'EARLY', 'valid_from', '9000-01-01');
SELECT is((SELECT i.rows_refused FROM perf.import_org() i), 2, 'a new top before the old one goes');
SELECT is(pg_temp.problems('import_org'), '2 second_top, 3 unknown_manager', 'is a second one until then');
-- a manager who left keeps a place that follows the leaders above
SELECT pg_temp.stage('S1', 'NEXT'), pg_temp.stage('S3', 'S1'), pg_temp.stage('S2', 'S3'), pg_temp.stage('S4', 'S2');
SELECT is((SELECT i.rows_imported FROM perf.import_org() i), 4, 'a line of managers');
SELECT pg_temp.stage('S2', 'S3', 'left_on', '2022-01-01'), pg_temp.stage('S3', 'NEXT', 'valid_from', '2022-06-01'),
       pg_temp.stage('S1', 'S2', 'valid_from', '2021-06-01');
SELECT is((SELECT i::text FROM perf.import_org() i), '(3,3,0,0,0)', 'one of them left');
SELECT is(pg_temp.chain('S4') || ', ' || pg_temp.chain('S1'), 'S2 S3 NEXT, S2 S3 NEXT', 'and the reports stay below the leaders above');
-- a COPY that failed has used up line numbers
SELECT nextval('perf.import_employee_line_number_seq') FROM generate_series(1, 50);
SELECT pg_temp.stage('W1', 'NOBODY', 'valid_from', '2023-06-01'), pg_temp.stage(NULL, 'M1');
SELECT is((SELECT i.rows_refused FROM perf.import_org() i), 2, 'after numbers were lost');
SELECT is(pg_temp.problems('import_org'), '2 unknown_manager, 3 missing_external_id', 'a file still begins at line 2');

---------------------------------------------------------------- raw lines

INSERT INTO perf.import_line (line) VALUES
    (E'\uFEFFLevel, hired_on,external_id,full_name,team,manager_external_id'), ('SDE I,2026-01-01,L1,"Line, One",ALL,TOP'), (NULL),
    ('SDE I,2026-01-01,L2,"Line'), ('Two",ALL,TOP'), ('SDE I,2026-01-01,L3,x,ALL,TOP,surplus'), ('SDE I,2026-01-01,L4'),
    ('SDE I,2026-01-01,L5,a "quote" inside,ALL,TOP'), ('SDE I,2026-01-01,L6,Line Six,ALL,NOBODY');
SELECT is(perf.stage_lines('import_employee'), 3, 'three records of nine lines can be staged');
SELECT is(pg_temp.problems('stage_lines import_employee'),
          '1 byte_order_mark, 6 too_many_columns, 7 too_few_columns, 8 unreadable_line', 'the others have their true lines');
SELECT is((SELECT count(*) FROM perf.import_line), 0::bigint, 'the lines are gone');
SELECT is((SELECT i::text FROM perf.import_org() i), '(3,2,0,1,0)', 'and can be imported');
SELECT is(pg_temp.problems(NULL), '1 byte_order_mark, 6 too_many_columns, 7 too_few_columns, 8 unreadable_line, 9 unknown_manager',
          'the problems of both remain');
SELECT is((SELECT string_agg(full_name, '|' ORDER BY external_id) FROM perf.employee WHERE external_id LIKE 'L_'), E'Line, One|Line\nTwo',
          'columns go by name, quotes are understood');
INSERT INTO perf.import_line (line) VALUES ('external_id,salary,external_id,line_number'), ('L9,1,L9,2');
SELECT is(perf.stage_lines('import_employee'), 0, 'a header with other columns stages nothing');
SELECT is(pg_temp.problems('stage_lines import_employee'), '1 duplicate_column, 1 unknown_column, 1 unknown_column', 'and says why');
SELECT throws_ok('SELECT perf.stage_lines(''employee'')', '22023', NULL, 'only staging tables can be staged');

---------------------------------------------------------------- ratings, assessments, accomplishments

CREATE TEMP TABLE cycle AS SELECT perf.create_cycle('import', '2025-10-01', '2026-09-30') AS id;
INSERT INTO perf.import_principle_rating (employee_external_id, rater_external_id, relation, scores) VALUES ('M1', 'M2', 'peer', '1=1');
SELECT throws_ok('SELECT perf.import_ratings((SELECT id FROM cycle))', 'PM004', NULL, 'a draft cycle takes no ratings');
SELECT perf.open_cycle(id) FROM cycle;
SELECT is((SELECT i::text FROM cycle, perf.import_ratings(id) i), '(1,1,0,0,0)', 'a rating');
INSERT INTO perf.import_principle_rating (employee_external_id, rater_external_id, relation, scores, comment) VALUES
    ('M1', 'M2', 'peer', '1=1', ''), ('M2', 'M1', 'peer', '16=5;3=2', 'fine'), ('M2', 'M2', 'self', '2=3', NULL), -- 2 3 4
    (NULL, 'M1', 'peer', '1=1', NULL), ('NOBODY', 'M1', 'peer', '1=1', NULL), ('M1', NULL, 'peer', '1=1', NULL), -- 5 6 7
    ('M1', 'NOBODY', 'peer', '1=1', NULL), ('M1', 'W2', 'friend', '1=1', NULL), ('M1', 'N1', NULL, '1=1', NULL), -- 8 9 10
    ('M1', 'N18', 'peer', '17=1', NULL), ('M1', 'N23', 'peer', '1=6', NULL), ('M1', 'N24', 'peer', '1:1', NULL), -- 11 12 13
    ('M1', 'N25', 'peer', '2=1;2=1', NULL), ('M1', 'M1', 'peer', '1=1', NULL), ('M1', 'TOP', 'self', '1=1', NULL), -- 14 15 16
    ('GONE', 'M1', 'peer', '1=1', NULL), ('M2', 'M1', 'manager', '1=1', NULL), ('M1', 'W1', 'peer', '1=5;', NULL), -- 17 18 19
    ('W2', 'M1', 'peer', '', NULL), ('W2', 'M2', 'peer', '1=99999999999999999999', NULL);                        -- 20 21
SELECT is((SELECT i::text FROM cycle, perf.import_ratings(id) i), '(20,2,1,17,0)', 'ratings');
SELECT is(pg_temp.problems('import_ratings'),
    '5 missing_external_id, 6 unknown_employee, 7 missing_value, 8 unknown_rater, 9 unknown_relation, 10 missing_value,'
    ' 11 unknown_principle, 12 score_out_of_range, 13 bad_score, 14 duplicate_principle, 15 rater_is_subject,'
    ' 16 self_is_not_subject, 17 not_eligible, 18 duplicate_rater, 19 bad_score, 20 missing_value, 21 score_out_of_range',
    'every reason at its line');
SELECT results_eq('SELECT s.external_id, scores, comment FROM perf.principle_rating JOIN perf.employee s USING (employee_id) ORDER BY 1, 2',
    $$VALUES ('M1', ('{1' || repeat(',NULL', 15) || '}')::smallint[], NULL),
             ('M2', ('{NULL,3' || repeat(',NULL', 14) || '}')::smallint[], NULL),
             ('M2', '{NULL,NULL,2,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,5}'::smallint[], 'fine')$$, 'scores stand at their ordinals');
INSERT INTO perf.import_principle_rating (employee_external_id, rater_external_id, relation, scores) VALUES ('M2', 'M1', 'manager', '1=4');
SELECT is((SELECT i::text FROM cycle, perf.import_ratings(id) i), '(1,1,0,0,0)', 'another rating of the same rater takes the place');
SELECT is((SELECT relation || scores[1] FROM perf.principle_rating JOIN perf.employee s USING (employee_id)
           JOIN perf.employee r ON r.employee_id = rater_id WHERE s.external_id = 'M2' AND r.external_id = 'M1'), 'manager4', 'of the old one');

PREPARE stage_assessments AS INSERT INTO perf.import_assessment (employee_external_id, job_performance, potential, assessed_by_external_id, summary) VALUES
    ('M1', '4', '', 'TOP', 'well'), ('M2', '5', '4', 'TOP', NULL), (NULL, '4', '2', 'TOP', NULL), ('NOBODY', '4', '2', 'TOP', NULL), -- 2 3 4 5
    ('W2', '6', '2', 'TOP', NULL), ('N1', '4', '5', 'TOP', NULL), ('N18', 'x', '2', 'TOP', NULL), ('N23', '4', '2', 'NOBODY', NULL), -- 6 7 8 9
    ('N24', '4', '2', 'N24', NULL), ('GONE', '4', '2', 'TOP', NULL), ('M1', '4', '2', 'TOP', NULL), ('N25', '4', '2', NULL, NULL), -- 10 11 12 13
    ('W1', NULL, '', 'TOP', NULL);                                                                                                -- 14
EXECUTE stage_assessments;
SELECT is((SELECT i::text FROM cycle, perf.import_assessments(id) i), '(13,2,0,11,0)', 'assessments');
SELECT is(pg_temp.problems('import_assessments'),
    '4 missing_external_id, 5 unknown_employee, 6 score_out_of_range, 7 score_out_of_range, 8 bad_score, 9 unknown_rater,'
    ' 10 rater_is_subject, 11 not_eligible, 12 duplicate_employee, 13 missing_value, 14 missing_value', 'every reason at its line');
EXECUTE stage_assessments;
SELECT is((SELECT i::text FROM cycle, perf.import_assessments(id) i), '(13,0,2,11,0)', 'again: unchanged');
INSERT INTO perf.import_assessment (employee_external_id, job_performance, assessed_by_external_id) VALUES ('M1', '3', 'TOP');
SELECT is((SELECT i::text FROM cycle, perf.import_assessments(id) i), '(1,1,0,0,0)', 'another assessment');
SELECT is((SELECT string_agg(a.job_performance::text, ' ' ORDER BY a.assessment_id) FROM perf.assessment a JOIN perf.employee USING (employee_id)
           WHERE external_id = 'M1'), '4 3', 'is added, and the old one stays');

PREPARE stage_accomplishments AS INSERT INTO perf.import_accomplishment (employee_external_id, claim, link, period_from, period_to, verified_by_external_id) VALUES
    ('M1', 'did it', 'https://example.com/1', '2026-01-01', '2026-02-01', NULL), (NULL, 'did it', NULL, '2026-01-01', '2026-02-01', NULL), -- 2 3
    ('NOBODY', 'did it', NULL, '2026-01-01', '2026-02-01', NULL), ('M1', '', NULL, '2026-01-01', '2026-02-01', NULL),                    -- 4 5
    ('M1', 'b', NULL, '2026-01-01', '2025-02-01', NULL), ('M1', 'c', NULL, '2026-01-01', '2026-02-31', NULL),                            -- 6 7
    ('M1', 'd', NULL, '2026-01-01', '2026-02-01', 'M1'), ('M1', 'e', NULL, '2026-01-01', '2026-02-01', 'NOBODY'),                        -- 8 9
    ('M1', 'did it', 'other', '2026-01-01', '2026-02-01', NULL);                                                                         -- 10
EXECUTE stage_accomplishments;
SELECT is((SELECT i::text FROM perf.import_accomplishments() i), '(9,1,0,8,0)', 'accomplishments');
SELECT is(pg_temp.problems('import_accomplishments'),
    '3 missing_external_id, 4 unknown_employee, 5 missing_value, 6 date_order, 7 bad_date, 8 rater_is_subject, 9 unknown_rater,'
    ' 10 duplicate_accomplishment', 'every reason at its line');
EXECUTE stage_accomplishments;
SELECT is((SELECT i::text FROM perf.import_accomplishments() i), '(9,0,1,8,0)', 'again: unchanged');
INSERT INTO perf.import_accomplishment (employee_external_id, claim, period_from, period_to, verified_by_external_id)
VALUES ('M1', 'did it', '2026-01-01', '2026-02-01', 'TOP');
SELECT is((SELECT i::text FROM perf.import_accomplishments() i), '(1,1,0,0,0)', 'verified later');
SELECT is((SELECT count(*)::text || min(link) || min(v.external_id) FROM perf.accomplishment a JOIN perf.employee v ON v.employee_id = a.verified_by),
          '1https://example.com/1TOP', 'in the same row');

---------------------------------------------------------------- who may

CREATE ROLE import_test_hr LOGIN IN ROLE perfmgmt_hr;
CREATE ROLE import_test_other LOGIN IN ROLE perfmgmt_hr;
SELECT perf.appoint(employee_id, 'hr', 'imports'), perf.map_login('import_test_hr', employee_id) FROM perf.employee WHERE external_id = 'M1';
SELECT perf.map_login('import_test_other', employee_id) FROM perf.employee WHERE external_id = 'M2';
GRANT USAGE ON SCHEMA public TO import_test_hr, import_test_other;
SELECT id AS cycle_id FROM cycle \gset
SET SESSION AUTHORIZATION import_test_hr;
INSERT INTO perf.import_employee (external_id, full_name, hired_on, manager_external_id, team, level) VALUES
    ('H1', 'By HR', '2026-01-01', 'TOP', 'ALL', 'SDE I'), ('H2', 'By HR', '2026-01-01', 'NOBODY', 'ALL', 'SDE I');
SELECT is((SELECT i::text FROM perf.import_org() i), '(2,1,0,1,0)', 'appointed HR imports');
SELECT is((SELECT p::text FROM perf.import_problems('import_org') p),
          '(import_org,3,error,unknown_manager,H2,"manager_external_id ""NOBODY""")', 'and sees the problems');
SELECT throws_ok('SELECT * FROM perf.import_employee', '42501', NULL, 'but does not read the staging tables');
-- M2 rated M1 with 1=1, and TOP assessed M1: whether a guess was right is no answer
INSERT INTO perf.import_principle_rating (employee_external_id, rater_external_id, relation, scores, comment) VALUES
    ('M1', 'M2', 'peer', '1=1', NULL), ('M1', 'N1', 'peer', '1=5', NULL), ('M2', 'M1', 'manager', '1=4', NULL);
SELECT is((SELECT i::text FROM perf.import_ratings(:cycle_id) i), '(3,0,1,2,0)', 'HR imports no rating about oneself');
SELECT is((SELECT string_agg(concat_ws(' ', line_number, import_reason), ', ' ORDER BY line_number) FROM perf.import_problems('import_ratings')), '2 own_row, 3 own_row', 'whoever it is from');
INSERT INTO perf.import_assessment (employee_external_id, job_performance, potential, assessed_by_external_id, summary) VALUES
    ('M1', '4', '', 'TOP', 'well'), ('M2', '5', '4', 'TOP', NULL);
SELECT is((SELECT i::text FROM perf.import_assessments(:cycle_id) i), '(2,0,1,1,0)', 'nor an assessment');
SELECT is((SELECT string_agg(concat_ws(' ', line_number, import_reason), ', ' ORDER BY line_number) FROM perf.import_problems('import_assessments')), '2 own_row', 'nor learns what is there');
INSERT INTO perf.import_accomplishment (employee_external_id, claim, period_from, period_to, verified_by_external_id) VALUES ('M1', 'Did it all.', '2026-01-01', '2026-02-01', 'M2');
SELECT is((SELECT i::text FROM perf.import_accomplishments() i), '(1,0,0,1,0)', 'nor an accomplishment');
SET SESSION AUTHORIZATION import_test_other;
SELECT throws_ok(format('SELECT %s', call), 'PM006', NULL, call || ' needs the appointment')
FROM unnest('{perf.import_org(),perf.import_ratings(1),perf.import_assessments(1),perf.import_accomplishments(),perf.import_problems(),perf.stage_lines(''import_employee'')}'::text[]) call;
RESET SESSION AUTHORIZATION;

SELECT * FROM finish();
ROLLBACK;

