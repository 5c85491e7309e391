-- Who may do what with which relation, and who sees which rows.
--
-- The first part compares the privileges in the catalog with the decisions
-- below; a relation without a decision fails with its name. The second part
-- acts as every kind of person in every role and compares what is visible with
-- what the reporting line says (from the assignments, not from manager_chain).
SELECT * FROM no_plan() \g /dev/null
CREATE SCHEMA matrix;
GRANT USAGE ON SCHEMA matrix TO PUBLIC;
SET search_path = matrix, public, pg_catalog;

-- S select, I insert, U update, D delete; small letters: on some columns only.
-- The last column is the owner of the privileged routines.
CREATE TABLE decision (
    relation text PRIMARY KEY, employee text, leader text, hr text, auditor text, analyst text, app text,
    public text, engine text);
INSERT INTO decision VALUES
    ('forte.my_explanation',             'S', '', '', '', '', '', '', ''),
    ('forte.my_principles',              'S', '', '', '', '', '', '', ''),
    ('forte.my_review',                  'S', '', '', '', '', '', '', ''),
    ('olr.label_discrepancy',            '', 'S', 'S', '', '', '', '', ''),
    ('olr.rating',                       '', 'S', 'S', '', '', '', '', ''),
    ('olr.session_distribution',         '', 'S', 'S', '', '', '', '', ''),
    ('perf.absence',                     '', '', 'S', '', '', '', '', 'SIUD'),
    ('perf.accomplishment',              '', 'S', 'S', '', '', '', '', 'SIUD'),
    ('perf.anonymity_rule',              'S', 'S', 'SIUD', 'S', '', '', '', 'SIUD'),
    ('perf.appointment',                 '', '', 'S', '', '', '', '', 'SIUD'),
    ('perf.appointment_kind',            '', 'S', 'S', '', '', '', '', 'S'),
    ('perf.assessment',                  '', 'S', 'S', '', '', '', '', 'SIUD'),
    ('perf.assessment_source',           '', 'S', 'S', '', '', '', '', 'S'),
    ('perf.assignment',                  '', '', 'S', '', '', '', '', 'SIUD'),
    ('perf.axis',                        'S', 'S', 'S', 'S', '', '', '', 'S'),
    ('perf.calibration_group',           '', 'S', 'S', '', '', '', '', 'SIUD'),
    ('perf.calibration_pool',            '', 'S', 'S', '', '', '', '', 'SIUD'),
    ('perf.current_assessment',          '', 'S', 'S', '', '', '', '', 'S'),
    ('perf.cycle_status',                'S', 'S', 'S', 'S', '', '', '', 'S'),
    ('perf.decision',                    '', 'S', 'S', '', '', '', '', 'SIU'),
    ('perf.decision_kind',               '', 'S', 'S', '', '', '', '', 'S'),
    ('perf.distribution_target',         'S', 'S', 'SIUD', 'S', '', '', '', 'SIUD'),
    ('perf.eligibility',                 'S', 'S', 'S', 'S', '', '', '', 'S'),
    ('perf.employee',                    '', 'S', 'S', '', '', '', '', 'SIUD'),
    ('perf.forte_label',                 'S', '', '', '', '', '', '', 'SI'),
    ('perf.forte_score',                 'S', '', '', '', '', '', '', 'SI'),
    ('perf.forte_summary',               'S', '', '', '', '', '', '', 'SI'),
    ('perf.goal',                        '', 'S', 'S', '', '', '', '', 'SIUD'),
    ('perf.import_accomplishment',       '', '', 'I', '', '', '', '', 'SIUD'),
    ('perf.import_assessment',           '', '', 'I', '', '', '', '', 'SIUD'),
    ('perf.import_employee',             '', '', 'I', '', '', '', '', 'SIUD'),
    ('perf.import_error',                '', '', 'S', '', '', '', '', 'SIUD'),
    ('perf.import_line',                 '', '', 'I', '', '', '', '', 'SIUD'),
    ('perf.import_principle_rating',     '', '', 'I', '', '', '', '', 'SIUD'),
    ('perf.import_reason',               '', 'S', 'S', '', '', '', '', 'S'),
    ('perf.job_level',                   '', 'S', 'S', '', '', '', '', 'S'),
    ('perf.login',                       '', '', 'S', '', '', '', '', 'SIUD'),
    ('perf.matrix_cell',                 'S', 'S', 'SIUD', 'S', '', '', '', 'SIUD'),
    ('perf.overall_value',               '', 'S', 'S', '', '', '', '', 'SIUD'),
    ('perf.participation',               '', 'S', 'S', '', '', '', '', 'SIU'),
    ('perf.policy',                      'S', 'S', 'SIUD', 'S', '', '', '', 'SIUD'),
    ('perf.pool_quota',                  '', 'S', 'S', '', '', '', '', 'SIUD'),
    ('perf.principle',                   'S', 'S', 'SIUD', 'S', '', '', '', 'SIUD'),
    ('perf.principle_rating',            '', 'S', 'S', '', '', '', '', 'SIUD'),
    ('perf.principle_weight',            'S', 'S', 'SIUD', 'S', '', '', '', 'SIUD'),
    ('perf.rating_level',                'S', 'S', 'SIUD', 'S', '', '', '', 'SIUD'),
    ('perf.relation',                    'S', 'S', 'S', 'S', '', '', '', 'S'),
    ('perf.relation_weight',             'S', 'S', 'SIUD', 'S', '', '', '', 'SIUD'),
    ('perf.review_cycle',                'S', 'S', 'S', 'S', '', '', '', 'SIU'),
    ('perf.review_cycle_secret',         '', '', '', '', '', '', '', 'SID'),
    ('perf.schema_version',              '', '', '', '', '', '', '', ''),
    ('perf.staged_employee',             '', '', '', '', '', '', '', 'S'),
    ('perf.team',                        '', 'S', 'S', '', '', '', '', 'SIUD'),
    ('perf.tier',                        'S', 'S', 'SIUD', 'S', '', '', '', 'SIUD');

CREATE VIEW relation AS
SELECT c.oid, format('%s.%s', n.nspname, c.relname) AS relation
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('perf', 'forte', 'olr', 'insight') AND c.relkind IN ('r', 'p', 'v', 'm', 'f');

CREATE FUNCTION privileges(role_name text, of_relation oid) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(CASE WHEN has_table_privilege(role_name, of_relation, p.name) THEN left(p.name, 1)
                                    WHEN p.name <> 'DELETE' AND has_any_column_privilege(role_name, of_relation, p.name)
                                    THEN lower(left(p.name, 1)) END, '' ORDER BY p.place), '')
    FROM unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) WITH ORDINALITY AS p(name, place)
$$;

SELECT is(coalesce(d.relation, 'no decision about ' || r.relation), coalesce(r.relation, d.relation || ' is not there'),
          'decided: ' || coalesce(r.relation, d.relation))
FROM relation r FULL JOIN decision d USING (relation) ORDER BY 1;
SELECT is(privileges(who.role_name, r.oid), who.decided, format('%s for %s', r.relation, who.role_name))
FROM relation r JOIN decision d USING (relation)
CROSS JOIN LATERAL (VALUES
    ('perfmgmt_employee', d.employee), ('perfmgmt_leader', d.leader), ('perfmgmt_hr', d.hr),
    ('perfmgmt_auditor', d.auditor), ('perfmgmt_analyst', d.analyst), ('perfmgmt_app', d.app),
    ('public', d.public), ('perfmgmt_engine', d.engine)) AS who(role_name, decided)
ORDER BY r.relation, who.role_name;

-- Rows ---------------------------------------------------------------------

-- everybody below, from the assignments; who left keeps the last one
CREATE TABLE below AS
WITH RECURSIVE last AS (
    SELECT DISTINCT ON (a.employee_id) a.employee_id, a.manager_id FROM perf.assignment a
    ORDER BY a.employee_id, upper(a.valid_during) DESC NULLS FIRST
), line AS (
    SELECT l.manager_id AS leader_id, l.employee_id FROM last l WHERE l.manager_id IS NOT NULL
    UNION ALL
    SELECT l.manager_id, b.employee_id FROM line b JOIN last l ON l.employee_id = b.leader_id WHERE l.manager_id IS NOT NULL
)
SELECT leader_id, array_agg(employee_id) AS employee_ids FROM line GROUP BY leader_id;
SELECT results_eq('SELECT leader_id, cardinality(employee_ids) FROM below ORDER BY 1',
                  'VALUES (1, 30), (2, 13), (3, 12), (4, 6), (5, 5), (6, 6), (7, 4), (26, 1)', 'the line as documented in setup.sql');

CREATE TABLE actor (actor_id int, kind text, is_hr boolean);
INSERT INTO actor VALUES
    (8, 'without reports', false), (4, 'front-line manager', false), (2, 'director', false), (1, 'top', false),
    (26, 'hr who leads', true), (27, 'hr', true), (28, 'auditor', false), (NULL, 'nobody', false);

-- which rows of a relation a role shows to an actor; {actor}, {below} and {hr} are filled in
CREATE TABLE expectation (role_name text, relation text, query text, PRIMARY KEY (role_name, relation));
INSERT INTO expectation
SELECT 'perfmgmt_' || r.who, d.relation,
       CASE
       -- rules
       WHEN NOT has_person THEN format('SELECT count(*) FROM %s', d.relation)
       -- the directory
       WHEN (d.relation, r.who) = ('perf.employee', 'leader') THEN 'SELECT count(*) FROM perf.employee WHERE {actor} IS NOT NULL'
       WHEN (d.relation, r.who) = ('perf.employee', 'hr') THEN 'SELECT count(*) FROM perf.employee WHERE {hr}'
       -- some decisions are about nobody
       WHEN (d.relation, r.who) = ('perf.decision', 'leader') THEN
            'SELECT count(*) FROM perf.decision x WHERE x.proposed_by = {actor} AND x.employee_id IS DISTINCT FROM {actor}'
       WHEN (d.relation, r.who) = ('perf.decision', 'hr') THEN
            'SELECT count(*) FROM perf.decision x WHERE {hr} AND x.employee_id IS DISTINCT FROM {actor}'
       WHEN r.who = 'employee' THEN format('SELECT count(*) FROM %s x WHERE x.employee_id = {actor}', d.relation)
       WHEN r.who = 'leader' THEN format('SELECT count(*) FROM %s x WHERE x.employee_id = ANY ({below})', d.relation)
       WHEN r.who = 'hr' THEN format('SELECT count(*) FROM %s x WHERE {hr} AND x.employee_id <> {actor}', d.relation)
       END
FROM decision d
CROSS JOIN LATERAL (VALUES ('employee', d.employee), ('leader', d.leader), ('hr', d.hr), ('auditor', d.auditor)) AS r(who, privileges)
CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = d.relation::regclass AND a.attname = 'employee_id') AS has_person) p
WHERE r.privileges LIKE 'S%';
UPDATE expectation SET query = 'SELECT count(*) FROM perf.import_error WHERE {hr}' WHERE relation = 'perf.import_error';
UPDATE expectation SET query = 'SELECT count(*) FROM perf.forte_label x WHERE x.employee_id = {actor}' WHERE relation = 'forte.my_review';
UPDATE expectation SET query = 'SELECT count(*) FROM perf.forte_score x WHERE x.employee_id = {actor}' WHERE relation = 'forte.my_principles';
UPDATE expectation SET query =
    'SELECT coalesce(sum(4 + (EXISTS (SELECT FROM perf.job_level l WHERE l.level_code = x.level_code AND l.is_senior))::int
                           + 2 * (EXISTS (SELECT FROM perf.forte_score s WHERE s.employee_id = x.employee_id AND s.relation <> ''self''))::int), 0)
     FROM perf.forte_label x WHERE x.employee_id = {actor}' WHERE relation = 'forte.my_explanation';
UPDATE expectation e SET query = format(
    'SELECT 5 * (count(DISTINCT x.review_cycle_id) + count(DISTINCT x.calibration_pool_id) FILTER (WHERE x.takes_seat))
     FROM perf.overall_value x WHERE x.ov_points IS NOT NULL AND %s',
    CASE e.role_name WHEN 'perfmgmt_leader' THEN 'x.employee_id = ANY ({below})' ELSE '{hr} AND x.employee_id <> {actor}' END)
WHERE e.relation = 'olr.session_distribution';

CREATE TABLE seen (
    role_name text, actor_id int, relation text, has_person boolean, expected bigint, rows_seen bigint, own_rows bigint);
INSERT INTO seen (role_name, actor_id, relation, has_person)
SELECT e.role_name, a.actor_id, e.relation,
       EXISTS (SELECT FROM pg_attribute c WHERE c.attrelid = e.relation::regclass AND c.attname = 'employee_id')
FROM expectation e CROSS JOIN actor a;
CREATE TABLE found (role_name text, actor_id int, relation text, rows_seen bigint, own_rows bigint);
GRANT INSERT ON found TO PUBLIC;

DO $$
DECLARE
    s record;
    counted bigint;
BEGIN
    FOR s IN SELECT n.ctid AS at, n.actor_id, e.query, a.is_hr FROM seen n JOIN expectation e USING (role_name, relation)
             JOIN actor a ON a.actor_id IS NOT DISTINCT FROM n.actor_id LOOP
        EXECUTE replace(replace(replace(s.query, '{actor}', coalesce(s.actor_id::text, 'NULL::int')), '{hr}', s.is_hr::text),
                        '{below}', coalesce((SELECT quote_literal(b.employee_ids::text) FROM below b WHERE b.leader_id = s.actor_id), '''{}''') || '::int[]')
        INTO counted;
        UPDATE seen SET expected = counted WHERE ctid = s.at;
    END LOOP;
END
$$;

-- one transaction for each person in each role
SELECT 'BEGIN;'
       || CASE WHEN s.actor_id IS NOT NULL THEN format('SELECT perfmgmt.act_as(%s);', s.actor_id) ELSE '' END
       || format('SET LOCAL ROLE %I;', s.role_name)
       || string_agg(format('INSERT INTO matrix.found SELECT %L, %L, %L, count(*), %s FROM %s x;', s.role_name, s.actor_id, s.relation,
                            CASE WHEN s.has_person THEN format('count(*) FILTER (WHERE x.employee_id = %L)', s.actor_id) ELSE '0' END,
                            s.relation), '' ORDER BY s.relation)
       || 'COMMIT'
FROM seen s GROUP BY s.role_name, s.actor_id \gexec
UPDATE seen s SET rows_seen = f.rows_seen, own_rows = f.own_rows FROM found f
WHERE (f.role_name, f.relation) = (s.role_name, s.relation) AND f.actor_id IS NOT DISTINCT FROM s.actor_id;

SELECT is(s.rows_seen, s.expected, format('%s sees %s as %s', a.kind, s.relation, s.role_name))
FROM seen s JOIN actor a ON a.actor_id IS NOT DISTINCT FROM s.actor_id
ORDER BY s.role_name, s.relation, a.actor_id;
SELECT is_empty($$SELECT role_name, actor_id, relation, own_rows FROM seen
                  WHERE own_rows > 0 AND role_name IN ('perfmgmt_leader', 'perfmgmt_hr') AND relation <> 'perf.employee'$$,
                'nobody sees the own row in a table for leaders or HR');
SELECT is_empty($$SELECT relation FROM seen WHERE role_name = 'perfmgmt_employee' AND has_person AND own_rows <> rows_seen$$,
                'an employee sees own rows alone');
-- the fixture is worth something: where there can be rows, some actor sees some
SELECT is_empty($$SELECT relation FROM seen WHERE relation NOT IN ('perf.absence', 'perf.import_error', 'perf.login')
                  GROUP BY relation HAVING max(rows_seen) = 0$$, 'each readable relation shows rows to somebody');

-- Moves --------------------------------------------------------------------

-- 13 goes from manager 5 to manager 4: the open cycle follows, the released one stays
CREATE TABLE sight (leader_id int, review_cycle_id int, relation text, employee_id int);
GRANT INSERT ON sight TO PUBLIC;
BEGIN;
SELECT perfmgmt.act_as(26) \g /dev/null
SET LOCAL ROLE perfmgmt_hr;
SELECT * FROM perf.move_employee(13, 4) \g /dev/null
COMMIT;
SELECT format('BEGIN; SELECT perfmgmt.act_as(%s); SET LOCAL ROLE perfmgmt_leader;
    INSERT INTO matrix.sight SELECT %1$s, review_cycle_id, ''participation'', employee_id FROM perf.participation;
    INSERT INTO matrix.sight SELECT %1$s, review_cycle_id, ''rating'', employee_id FROM olr.rating;
    INSERT INTO matrix.sight SELECT DISTINCT %1$s, review_cycle_id, ''principle_rating'', employee_id FROM perf.principle_rating;
    INSERT INTO matrix.sight SELECT %1$s, 0, ''accomplishment'', employee_id FROM perf.accomplishment; COMMIT', leader_id)
FROM unnest('{1,2,3,4,5}'::int[]) AS leader_id \gexec
SELECT results_eq(
    $$SELECT leader_id, array_agg(DISTINCT review_cycle_id ORDER BY review_cycle_id) FROM sight WHERE employee_id = 13 GROUP BY 1 ORDER BY 1$$,
    $$VALUES (1, '{0,1,2}'::int[]), (2, '{0,1,2}'), (4, '{0,2}'), (5, '{1}')$$,
    'the former manager keeps the released cycle, the new one gets the open cycle and what belongs to none');
SELECT results_eq(
    $$SELECT relation, array_agg(review_cycle_id ORDER BY review_cycle_id) FROM sight WHERE employee_id = 13 AND leader_id = 5 GROUP BY 1 ORDER BY 1$$,
    $$VALUES ('participation', '{1}'::int[]), ('principle_rating', '{1}'), ('rating', '{1}')$$, 'in every table alike');
SELECT is_empty($$SELECT * FROM sight WHERE leader_id = employee_id$$, 'and nobody sees the own row');

SELECT * FROM finish();
