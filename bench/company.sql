-- A synthetic company for the benchmarks, made by set operations straight into
-- the tables: the same company on every machine, because numbers come from
-- hashes and arithmetic only.
--
--   psql -v scale=0.01 -f bench/company.sql        1 is 1,500,000 people
--
-- Teams: 8,000 x scale, a tree with four children a node, each with 50 people or
-- more, so that each is a calibration pool. Sizes follow Zipf's law above that.
-- Reporting lines: within a team a tree of 5 to 11 direct reports a manager
-- (which, depends on the team); its top reports to the top of the team above.
-- Employee ids are dealt at random over the teams, as after years of hiring and
-- moving, so that the people below a leader lie on as many pages as there are.

\set ON_ERROR_STOP on
\set QUIET on
\pset tuples_only on
\pset format unaligned
SET client_min_messages = warning;
SET search_path = perf, perfmgmt, pg_temp;
SET maintenance_work_mem = '1GB';
SET work_mem = '256MB';
SET synchronous_commit = off;
-- no triggers and no look-ups of foreign keys, which hold by construction
SET session_replication_role = replica;

\set note 'SELECT format(''    %s  %s'', to_char(clock_timestamp() - now() + (now() - :''started''::timestamptz), ''MI:SS''), '
SELECT now() AS started \gset

DROP SCHEMA IF EXISTS bench CASCADE;
CREATE SCHEMA bench;
GRANT USAGE ON SCHEMA bench TO PUBLIC;

SELECT round(1500000 * :scale::numeric)::int AS people,
       greatest(round(8000 * :scale::numeric), 1)::int AS teams \gset
SELECT s AS stride FROM generate_series((:people * 0.618)::int, :people) s WHERE gcd(s, :people) = 1 LIMIT 1 \gset

-- Scattered numbers: 0 .. 2^31 - 1
CREATE FUNCTION bench.hash(value bigint, purpose int) RETURNS int
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (hashint8extended(value, purpose) & 2147483647)::int;

-- Secondary indexes are built after the load.
CREATE TABLE bench.postponed_index AS
SELECT pg_get_indexdef(i.indexrelid) AS statement, c.relname::text AS table_name, i.indexrelid::regclass::text AS index_name
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
WHERE c.relnamespace = 'perf'::regnamespace
  AND c.relname IN ('employee', 'assignment', 'participation', 'principle_rating', 'assessment', 'overall_value')
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'));
CREATE TABLE bench.postponed_constraint AS
SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid)) AS statement,
       format('ALTER TABLE %s DROP CONSTRAINT %I', k.conrelid::regclass, k.conname) AS drop_statement
FROM pg_constraint k WHERE k.conrelid = 'perf.assignment'::regclass AND k.contype = 'x';
-- What is measured is the work itself; the ledger has a measurement of its own.
SELECT format('ALTER TABLE %s DISABLE TRIGGER %I', t.tgrelid::regclass, t.tgname)
FROM pg_trigger t WHERE t.tgname IN ('audit_insert', 'audit_update', 'audit_delete', 'audit_truncate') \gexec
TRUNCATE employee, assignment, participation, principle_rating, assessment, overall_value, review_cycle,
    review_cycle_secret, calibration_group, calibration_pool, pool_quota, team CASCADE;
SELECT 'DROP INDEX ' || index_name FROM bench.postponed_index \gexec
SELECT drop_statement FROM bench.postponed_constraint \gexec
-- the benchmarks say themselves when to vacuum
SELECT format('ALTER TABLE %I SET (autovacuum_enabled = false)', t)
FROM unnest('{employee,assignment,participation,principle_rating,assessment,overall_value}'::text[]) t \gexec

-- teams ---------------------------------------------------------------------

INSERT INTO team (team_id, team_code, parent_team_id)
SELECT t, 'T' || lpad(t::text, 5, '0'), CASE WHEN t > 1 THEN (t - 2) / 4 + 1 END
FROM generate_series(1, :teams) t;
SELECT setval('team_team_id_seq', :teams) \g /dev/null

CREATE TABLE bench.team AS
WITH weighed AS (
    -- the place in the order of sizes is dealt to the teams
    SELECT t AS team_id, least(1000::bigint * :teams / row_number() OVER (ORDER BY bench.hash(t, 1)), 120000) - 990 AS weight
    FROM generate_series(1, :teams) t
), sized AS (
    SELECT team_id,
           50 + floor((:people - 50 * :teams) * weight / sum(weight) OVER ())::int
           + CASE WHEN team_id = 1 THEN (:people - 50 * :teams - (SELECT sum(floor((:people - 50 * :teams) * w.weight / v.total))
                                         FROM weighed w, (SELECT sum(weight) AS total FROM weighed) v))::int ELSE 0 END AS people
    FROM weighed
)
SELECT team_id, people, (sum(people) OVER (ORDER BY team_id) - people)::int AS people_before,
       5 + bench.hash(team_id, 2) % 7 AS span
FROM sized;
ALTER TABLE bench.team ADD PRIMARY KEY (team_id);

-- who stands where: position 1 is the top of the team
CREATE FUNCTION bench.employee_at(place bigint) RETURNS int
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN 0;
SELECT format('CREATE OR REPLACE FUNCTION bench.employee_at(place bigint) RETURNS int
               LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN ((place * %s) %% %s + 1)::int', :stride, :people) \gexec

CREATE TABLE bench.team_chain AS
WITH RECURSIVE above AS (
    SELECT t.team_id, '{}'::int[] AS chain FROM bench.team t WHERE t.team_id = 1
    UNION ALL
    SELECT c.team_id, bench.employee_at(p.people_before) || above.chain
    FROM above JOIN team c ON c.parent_team_id = above.team_id JOIN bench.team p ON p.team_id = above.team_id
)
SELECT * FROM above;

-- positions above each position inside a team, for each span
CREATE TABLE bench.line AS
WITH RECURSIVE line AS (
    SELECT s AS span, 1 AS position, '{}'::int[] AS above FROM generate_series(5, 11) s
    UNION ALL
    SELECT l.span, c, l.position || l.above
    FROM line l CROSS JOIN LATERAL generate_series((l.position - 1) * l.span + 2,
        least(l.position * l.span + 1, (SELECT max(people) FROM bench.team))) c
)
SELECT * FROM line;
ANALYZE bench.team, bench.line, bench.team_chain;

CREATE UNLOGGED TABLE bench.person AS
SELECT bench.employee_at(t.people_before + l.position - 1) AS employee_id,
       t.team_id, t.people AS team_people, t.people_before, l.position, l.above[1] AS manager_position,
       ARRAY(SELECT bench.employee_at(t.people_before + a - 1) FROM unnest(l.above) WITH ORDINALITY u(a, n) ORDER BY n) || c.chain AS chain
FROM bench.team t
JOIN bench.team_chain c USING (team_id)
JOIN bench.line l ON l.span = t.span AND l.position <= t.people
ORDER BY 1;
ANALYZE bench.person;
:note format('%s people in %s teams', :people, :teams));

-- org -----------------------------------------------------------------------

INSERT INTO employee (employee_id, external_id, full_name, hired_on, manager_chain)
SELECT p.employee_id, 'E' || lpad(p.employee_id::text, 7, '0'), 'Person ' || p.employee_id,
       date '2014-01-01' + bench.hash(p.employee_id, 3) % 3600, p.chain
FROM bench.person p;
SELECT setval('employee_employee_id_seq', :people) \g /dev/null

INSERT INTO assignment (employee_id, assignment_id, manager_id, team_id, level_code, location, valid_during)
SELECT p.employee_id, p.employee_id, p.chain[1], p.team_id, l.level_code, 'Berlin', daterange('2024-01-01', NULL)
FROM bench.person p
JOIN job_level l ON l.level_rank = CASE WHEN cardinality(p.chain) < 3 THEN 5 ELSE 1 + bench.hash(p.employee_id, 4) % 10 / 3 END;
SELECT setval('assignment_assignment_id_seq', :people) \g /dev/null
:note 'employees and assignments');

-- cycle ---------------------------------------------------------------------

INSERT INTO review_cycle (review_cycle_id, cycle_name, policy_id, status, period_start, period_end,
                          too_new_after, forte_opens_on, forte_closes_on, opened_at, lot_commitment)
VALUES (1, 'Benchmark', 1, 'assessment', '2025-01-01', '2025-12-31', '2025-07-01', '2026-01-01', '2026-05-31',
        '2026-01-01', sha256('benchmark'));
SELECT setval('review_cycle_review_cycle_id_seq', 1) \g /dev/null
INSERT INTO review_cycle_secret VALUES (1, 'benchmark');

-- one in fifty of the people beyond the first fifty of a team is not in the quotas
INSERT INTO participation (employee_id, review_cycle_id, eligibility, eligibility_reason, manager_id,
                           team_id, level_code, level_rank, lot, manager_chain)
SELECT p.employee_id, 1, code.eligibility, 'benchmark', p.chain[1], p.team_id, a.level_code, l.level_rank,
       lot_of('benchmark', 'E' || lpad(p.employee_id::text, 7, '0')), p.chain
FROM bench.person p
JOIN assignment a USING (employee_id)
JOIN job_level l USING (level_code)
CROSS JOIN LATERAL (SELECT CASE WHEN p.position <= 50 THEN 'eligible'
                                ELSE (ARRAY['too_new', 'on_leave', 'transferred'])[bench.hash(p.employee_id, 5) % 150 + 1] END) h(chosen)
CROSS JOIN LATERAL (SELECT coalesce(h.chosen, 'eligible')) code(eligibility)
ORDER BY p.employee_id;
:note 'participations');

SELECT create_calibration_groups(1) \g /dev/null

-- 1,024 rows of scores for each of eight kinds of people, the fourth the average
CREATE TABLE bench.score_row AS
SELECT (k.kind << 10 | r.number) AS score_row,
       (SELECT array_agg(greatest(1, least(5, (250 + 27 * k.kind
               + bench.hash(k.kind << 20 | r.number << 6 | o, 6) % 120 + bench.hash(k.kind << 20 | r.number << 6 | o, 7) % 120) / 100))::smallint ORDER BY o)
        FROM generate_series(1, 16) o) AS scores
FROM generate_series(0, 7) k(kind), generate_series(0, 1023) r(number);
CREATE UNIQUE INDEX ON bench.score_row (score_row);
ANALYZE bench.score_row;

-- eight raters: the manager and seven people of the team
INSERT INTO principle_rating (employee_id, review_cycle_id, rater_id, relation, scores, level_rank, manager_chain)
SELECT p.employee_id, 1,
       CASE WHEN n = 8 AND p.chain[1] IS NOT NULL THEN p.chain[1]
            ELSE bench.employee_at(p.people_before + (p.position - 1 + CASE WHEN (p.position - 1 + n) % p.team_people + 1 = p.manager_position
                                                                            THEN 8 ELSE n END) % p.team_people) END,
       CASE WHEN n = 8 AND p.chain[1] IS NOT NULL THEN 'manager' WHEN n < 6 THEN 'peer' ELSE 'stakeholder' END,
       s.scores, q.level_rank, p.chain
FROM bench.person p
JOIN participation q USING (employee_id)
JOIN eligibility e ON e.eligibility = q.eligibility AND e.is_rated
CROSS JOIN generate_series(1, 8) n
JOIN bench.score_row s
  -- a sum of three: most people are near the average
  ON s.score_row = (((bench.hash(p.employee_id, 8) & 7) + (bench.hash(p.employee_id, 9) & 7) + (bench.hash(p.employee_id, 10) & 7)) / 3) << 10
                   | bench.hash(p.employee_id * 8::bigint + n, 11) & 1023;
:note 'principle ratings');

-- a few assessments are not there yet
INSERT INTO assessment (employee_id, review_cycle_id, assessment_id, job_performance, potential, summary, source, assessed_by, manager_chain)
SELECT p.employee_id, 1, p.employee_id,
       (ARRAY[1, 2, 2, 3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 5, 5])[bench.hash(p.employee_id, 12) % 16 + 1],
       (ARRAY[1, 1, 2, 2, 2, 2, 3, 3, 3, 4])[bench.hash(p.employee_id, 13) % 10 + 1],
       'Delivered what was agreed, and more.', 'import', p.chain[1], p.chain
FROM bench.person p JOIN participation q USING (employee_id) JOIN eligibility e USING (eligibility)
WHERE e.is_rated AND bench.hash(p.employee_id, 14) % 500 > 0
ORDER BY p.employee_id;
SELECT setval('assessment_assessment_id_seq', :people) \g /dev/null
:note 'assessments');

-- what was postponed ----------------------------------------------------------

SELECT statement FROM bench.postponed_constraint \gexec
:note 'periods of assignments checked');
SELECT statement FROM bench.postponed_index \gexec
:note 'indexes');

CREATE TABLE bench.leader AS
SELECT u.employee_id, count(*)::int AS reports
FROM bench.person p, unnest(p.chain) u(employee_id) GROUP BY u.employee_id;
CREATE TABLE bench.company AS
SELECT :scale::numeric AS scale, :people AS people, :teams AS teams,
       (SELECT min(people) FROM bench.team) AS smallest_team, (SELECT max(people) FROM bench.team) AS largest_team,
       (SELECT max(cardinality(chain)) + 1 FROM bench.person) AS levels,
       (SELECT max(count) FROM (SELECT count(*) FROM assignment GROUP BY manager_id) m) AS widest_span;
GRANT SELECT ON ALL TABLES IN SCHEMA bench TO PUBLIC;
DROP TABLE bench.score_row, bench.line, bench.team_chain;

RESET session_replication_role;
VACUUM (ANALYZE) employee, assignment, participation, principle_rating, assessment, team, calibration_group;
ANALYZE bench.person, bench.leader;
:note (SELECT format('done: %s levels, teams of %s to %s, leaders of up to %s direct reports', levels, smallest_team, largest_team, widest_span) FROM bench.company));
