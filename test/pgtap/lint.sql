-- What must hold for every object of ours, read from the catalog.
--
-- Each rule is a view of offenders. It must be empty, and an offence planted in
-- a transaction that is rolled back must be found: so the rule itself is tested.
-- What is exempt from a rule stands beside it, with the reason.
BEGIN;
SET LOCAL search_path = public, pg_catalog;

CREATE TEMP TABLE our_schema AS
SELECT n.oid, n.nspname FROM pg_namespace n WHERE n.nspname IN ('perf', 'forte', 'olr', 'insight', 'perfmgmt');

CREATE TEMP VIEW our_relation AS
SELECT c.*, format('%s.%s', n.nspname, c.relname) AS name, n.nspname
FROM pg_class c JOIN our_schema n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f');
CREATE TEMP VIEW our_table AS SELECT * FROM our_relation WHERE relkind IN ('r', 'p');
CREATE TEMP VIEW our_column AS
SELECT r.oid, r.name, r.relkind, r.relname, a.attname, a.attnum, a.attstattarget, a.atttypid
FROM our_relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped;
CREATE TEMP VIEW our_function AS
SELECT p.*, p.oid::regprocedure::text AS name, n.nspname, l.lanname
FROM pg_proc p JOIN our_schema n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang;
CREATE TEMP VIEW our_role AS
SELECT r.oid, r.rolname FROM pg_roles r WHERE r.rolname IN (SELECT role_name FROM perfmgmt.role_to_create());

-- a table that knows persons, by name or by reference
CREATE TEMP VIEW person_table AS
SELECT t.* FROM our_table t
WHERE EXISTS (SELECT FROM our_column c WHERE c.oid = t.oid
              AND (c.attname IN ('employee_id', 'manager_chain') OR c.attname LIKE '%external\_id'))
   OR EXISTS (SELECT FROM pg_constraint k
              WHERE k.conrelid = t.oid AND k.contype = 'f' AND k.confrelid = 'perf.employee'::regclass);

-- COPY FROM refuses a table with row security. So these have none: HR only
-- inserts, nobody but the privileged import reads, and the import empties them.
CREATE TEMP VIEW staging_table AS
SELECT t.* FROM our_table t
WHERE t.name IN ('perf.import_employee', 'perf.import_line', 'perf.import_principle_rating',
                 'perf.import_assessment', 'perf.import_accomplishment');

CREATE TEMP VIEW ledger_table AS
SELECT t.* FROM our_table t WHERE t.name IN ('perf.audit_entry', 'perf.audit_head', 'perf.audit_block', 'perf.audit_block_head', 'perf.access_log');

CREATE TEMP VIEW may AS
SELECT r.rolname, t.oid, t.name, p.privilege
FROM our_relation t CROSS JOIN our_role r
CROSS JOIN unnest('{SELECT,INSERT,UPDATE,REFERENCES}'::text[]) AS p(privilege)
WHERE has_any_column_privilege(r.oid, t.oid, p.privilege)
UNION ALL
SELECT r.rolname, t.oid, t.name, p.privilege
FROM our_relation t CROSS JOIN our_role r
CROSS JOIN unnest('{DELETE,TRUNCATE,TRIGGER}'::text[]) AS p(privilege)
WHERE has_table_privilege(r.oid, t.oid, p.privilege);

-- What an employee may read: what was released to the person, and rules.
CREATE TEMP TABLE readable_by_employees (name text, reason text);
INSERT INTO readable_by_employees VALUES
    ('perf.forte_label', 'released'), ('perf.forte_summary', 'released'), ('perf.forte_score', 'released'),
    ('perf.forte_text', 'released'), ('forte.my_feedback', 'over released tables'), ('forte.my_behaviours', 'over released tables'),
    ('forte.my_history', 'over released tables'),
    ('forte.my_review', 'over released tables'), ('forte.my_principles', 'over released tables'),
    ('forte.my_explanation', 'over released tables'),
    ('perf.forte_plan', 'released'), ('forte.my_plan', 'over released tables'),
    ('perf.pip_stage', 'rule'), ('perf.pip_rule', 'rule'), ('perf.holiday', 'rule'),
    ('perf.review_cycle', 'names and dates'), ('perf.cycle_status', 'rule'), ('perf.eligibility', 'rule'),
    ('perf.policy', 'rule'), ('perf.axis', 'rule'), ('perf.rating_level', 'rule'), ('perf.principle', 'rule'),
    ('perf.principle_weight', 'rule'), ('perf.relation', 'rule'), ('perf.relation_weight', 'rule'),
    ('perf.tier', 'rule'), ('perf.matrix_cell', 'rule'), ('perf.distribution_target', 'rule'),
    ('perf.anonymity_rule', 'rule'), ('perf.feedback_question', 'rule'), ('perf.feedback_rule', 'rule');

CREATE TEMP TABLE callable_by_employees (name text, reason text);
INSERT INTO callable_by_employees VALUES
    ('perf.lot_of(bytea,text)', 'anybody recomputes a lot after the release'),
    ('perf.acknowledge_review(integer,text)', 'writes the own acknowledgement'),
    ('perf.dispute_rating(integer,text)', 'writes the own dispute'),
    ('perf.own_disputes()', 'reads the own disputes'),
    ('perf.choose_plan()', 'writes the own choice'), ('perf.accept_severance()', 'writes the own choice'),
    ('perf.revoke_severance()', 'takes the own choice back'), ('perf.appeal_pip(text)', 'writes the own appeal'),
    ('perf.acknowledge_plan()', 'writes the own acknowledgement'), ('perf.resign(text)', 'writes the own resignation'),
    ('perf.request_transfer(integer,text)', 'writes the own request'), ('perf.withdraw_transfer(integer)', 'takes the own request back'),
    ('perf.own_transfers()', 'reads the own requests'), ('perf.appeals_to_decide()', 'reads what a panel of the own decides'),
    ('perf.cast_vote(integer,text)', 'writes the own vote'), ('perf.conclude_appeal(integer,text)', 'writes what the own panel decided'),
    ('perf.nominate_author(integer,integer,integer,text,text)', 'proposes authors, for oneself into a table of the own proposals alone'),
    ('perf.decline_feedback(integer,integer)', 'answers a request to oneself'),
    ('perf.save_feedback_draft(integer,integer,jsonb,jsonb,text,text)', 'writes the own draft'),
    ('perf.submit_feedback(integer,integer,jsonb,jsonb,text,text)', 'writes as the author'),
    ('perf.withdraw_feedback(integer,integer)', 'takes back what one wrote'),
    ('perf.own_nominations()', 'reads the own proposals, never what came of them'),
    ('perf.own_feedback_requests()', 'reads as the author'),
    ('perf.own_feedback_drafts()', 'reads as the author'),
    ('perf.own_feedback()', 'reads as the author'),
    ('perf.add_development_goal(integer,integer,text,text,date)', 'writes an own development goal'),
    ('perf.close_development_goal(integer,text)', 'closes an own development goal'),
    ('perf.own_development_goals()', 'reads the own development goals'),
    ('perf.score_mean(integer)', 'reads the code of a released score'),
    ('perf.score_band(integer)', 'reads the code of a released score');

-- Row security -------------------------------------------------------------

CREATE TEMP VIEW lint_person_table_unprotected AS
SELECT t.name AS offender FROM person_table t
WHERE NOT (t.relrowsecurity AND t.relforcerowsecurity)
  AND t.oid NOT IN (SELECT s.oid FROM staging_table s);

CREATE TEMP VIEW lint_staging_privilege AS
SELECT format('%s: %s %s', s.name, m.rolname, m.privilege) AS offender
FROM staging_table s JOIN may m USING (oid)
WHERE m.rolname <> 'perfmgmt_engine' AND (m.rolname, m.privilege) <> ('perfmgmt_hr', 'INSERT');

CREATE TEMP VIEW lint_policy_for_owner AS
SELECT format('%s: %s', t.name, p.polname) AS offender
FROM our_table t JOIN pg_policy p ON p.polrelid = t.oid
WHERE (t.relowner = ANY (p.polroles) AND (t.name NOT IN ('perf.audit_entry', 'perf.access_log') OR p.polname NOT IN ('erase', 'erase_sees'))) -- for the routines that erase
   OR (t.relforcerowsecurity AND 0 = ANY (p.polroles));

CREATE TEMP VIEW lint_policy_of_engine AS
SELECT t.name AS offender
FROM our_table t
CROSS JOIN LATERAL (
    SELECT EXISTS (SELECT FROM may m WHERE m.oid = t.oid AND m.rolname = 'perfmgmt_engine') AS has_privilege,
           (SELECT count(*) FROM pg_policy p
            WHERE p.polrelid = t.oid AND to_regrole('perfmgmt_engine')::oid = ANY (p.polroles)) AS policies,
           EXISTS (SELECT FROM pg_policy p
                   WHERE p.polrelid = t.oid AND p.polname = 'engine' AND p.polcmd = '*' AND p.polpermissive
                     AND p.polroles = ARRAY[to_regrole('perfmgmt_engine')::oid]
                     AND pg_get_expr(p.polqual, t.oid) = 'true' AND pg_get_expr(p.polwithcheck, t.oid) = 'true') AS as_agreed
) e
WHERE e.policies <> CASE WHEN t.relrowsecurity AND e.has_privilege THEN 1 ELSE 0 END
   OR (e.policies = 1 AND NOT e.as_agreed);

-- Nobody sees the own row in a table for leaders. Exempt: the directory, and who
-- sits in a session, which is no secret to those who sit there.
CREATE TEMP VIEW lint_own_row_visible AS
SELECT DISTINCT format('%s: %s', t.name, m.rolname) AS offender
FROM our_table t JOIN our_column c ON c.oid = t.oid AND c.attname = 'employee_id'
JOIN may m ON m.oid = t.oid AND m.rolname IN ('perfmgmt_leader', 'perfmgmt_hr')
WHERE t.name NOT IN ('perf.employee', 'perf.session_participant')
  AND NOT EXISTS (SELECT FROM pg_policy p
                  WHERE p.polrelid = t.oid AND p.polname = 'not_oneself' AND NOT p.polpermissive AND p.polcmd = '*'
                    AND m.rolname::regrole::oid = ANY (p.polroles)
                    AND pg_get_expr(p.polqual, t.oid) IN
                        ('(employee_id <> perfmgmt.actor_id())',
                         '((employee_id IS NULL) OR (employee_id <> perfmgmt.actor_id()))'));

-- Policies are compared row by row: columns and who is asking, never a look-up.
CREATE TEMP VIEW lint_policy_looks_up AS
SELECT format('%s: %s', t.name, p.polname) AS offender
FROM our_table t JOIN pg_policy p ON p.polrelid = t.oid
WHERE concat(pg_get_expr(p.polqual, t.oid), pg_get_expr(p.polwithcheck, t.oid)) ~* '\mselect\M';

CREATE TEMP VIEW lint_policy_function AS
SELECT DISTINCT format('%s: %s', t.name, f.oid::regprocedure) AS offender
FROM our_table t JOIN pg_policy p ON p.polrelid = t.oid
JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_proc'::regclass
JOIN pg_proc f ON f.oid = d.refobjid JOIN pg_language l ON l.oid = f.prolang
-- log_read() remembers whom the reader saw: in the leading process alone, and it can fail
WHERE f.oid <> 'perfmgmt.log_read(text, int)'::regprocedure
  AND (l.lanname <> 'c' OR NOT f.proleakproof OR f.proparallel <> 's' OR f.provolatile <> 's');

-- Named ratings and authors: each policy that shows a row notes the read, behind
-- the conditions that decide about the sight.
CREATE TEMP VIEW lint_read_not_logged AS
SELECT format('%s: %s', t.name, p.polname) AS offender
FROM our_table t JOIN pg_policy p ON p.polrelid = t.oid AND p.polpermissive AND p.polcmd IN ('r', '*')
WHERE (t.relname IN ('overall_value', 'assessment', 'preliminary_rating', 'calibration_change')
       OR EXISTS (SELECT FROM our_column c WHERE c.oid = t.oid AND c.attname IN ('author_id', 'rater_id', 'calibrator_id')))
  AND p.polroles && ARRAY[to_regrole('perfmgmt_leader')::oid, to_regrole('perfmgmt_hr')::oid]
  AND pg_get_expr(p.polqual, t.oid) NOT LIKE '%' || format(' AND perfmgmt.log_read(%L::text, employee_id))', t.name);

-- Whoever may read rows that name authors sees in plans and counts that one was
-- hidden, and asks for it by the author: such tables are for routines alone.
CREATE TEMP VIEW lint_author_readable AS
SELECT DISTINCT format('%s: %s', t.name, m.rolname) AS offender
FROM our_table t JOIN may m ON m.oid = t.oid AND m.privilege = 'SELECT' AND m.rolname NOT IN ('perfmgmt_engine', 'perfmgmt_ledger')
WHERE t.relname IN ('feedback_item', 'release_group', 'feedback_draft')
   OR EXISTS (SELECT FROM our_column c WHERE c.oid = t.oid AND c.attname IN ('author_id', 'rater_id'));

-- Privileges ---------------------------------------------------------------

CREATE TEMP VIEW lint_employee_privilege AS
SELECT DISTINCT format('%s: %s', m.name, m.privilege) AS offender
FROM may m LEFT JOIN readable_by_employees a USING (name)
WHERE m.rolname = 'perfmgmt_employee' AND (a.name IS NULL OR m.privilege <> 'SELECT');

CREATE TEMP VIEW lint_employee_function AS
SELECT f.name AS offender FROM our_function f LEFT JOIN callable_by_employees a USING (name)
WHERE f.nspname <> 'perfmgmt' AND has_function_privilege('perfmgmt_employee', f.oid, 'EXECUTE') AND a.name IS NULL;

CREATE TEMP VIEW lint_forte_view_reads AS
SELECT DISTINCT format('%s: %s', v.name, t.name) AS offender
FROM our_relation v
JOIN pg_rewrite w ON w.ev_class = v.oid
JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
JOIN our_relation t ON t.oid = d.refobjid AND t.oid <> v.oid
LEFT JOIN readable_by_employees a ON a.name = t.name
WHERE v.nspname = 'forte' AND a.name IS NULL;

-- PUBLIC may use schema perfmgmt and call what is in it; nothing else.
CREATE TEMP VIEW lint_public_privilege AS
SELECT format('%s %s', r.name, x.privilege_type) AS offender FROM our_relation r, aclexplode(r.relacl) x WHERE x.grantee = 0
UNION ALL
SELECT format('%s.%s %s', r.name, a.attname, x.privilege_type)
FROM our_relation r JOIN pg_attribute a ON a.attrelid = r.oid, aclexplode(a.attacl) x WHERE x.grantee = 0
UNION ALL
SELECT format('sequence %s %s', c.oid::regclass, x.privilege_type)
FROM pg_class c JOIN our_schema n ON n.oid = c.relnamespace, aclexplode(c.relacl) x WHERE c.relkind = 'S' AND x.grantee = 0
UNION ALL
SELECT format('function %s', f.name)
FROM our_function f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) x
WHERE f.nspname <> 'perfmgmt' AND x.grantee = 0
UNION ALL
SELECT format('schema %s %s', n.nspname, x.privilege_type)
FROM our_schema o JOIN pg_namespace n USING (oid), aclexplode(n.nspacl) x
WHERE x.grantee = 0 AND (n.nspname, x.privilege_type) <> ('perfmgmt', 'USAGE')
UNION ALL
SELECT format('default privilege in schema %s', n.nspname)
FROM pg_default_acl d JOIN our_schema n ON n.oid = d.defaclnamespace, aclexplode(d.defaclacl) x WHERE x.grantee = 0;

CREATE TEMP VIEW lint_may_truncate AS
SELECT format('%s: %s %s', m.name, m.rolname, m.privilege) AS offender
FROM may m JOIN our_table t USING (oid)
WHERE m.privilege IN ('TRUNCATE', 'TRIGGER', 'REFERENCES') AND m.rolname::regrole <> t.relowner;

-- Views and functions ------------------------------------------------------

CREATE TEMP VIEW lint_view_without_invoker AS
SELECT r.name AS offender FROM our_relation r
WHERE r.relkind = 'm' OR (r.relkind = 'v' AND NOT coalesce('security_invoker=true' = ANY (r.reloptions), false));

CREATE TEMP VIEW lint_without_comment AS
SELECT r.name AS offender FROM our_relation r WHERE obj_description(r.oid, 'pg_class') IS NULL
UNION ALL
-- for readers: a view that only the privileged routines read is a step of a computation
SELECT format('%s.%s', c.name, c.attname) FROM our_column c
WHERE c.relkind = 'v' AND col_description(c.oid, c.attnum) IS NULL
  AND (c.name NOT LIKE 'perf.%' OR EXISTS (SELECT FROM may m WHERE m.oid = c.oid AND m.rolname <> 'perfmgmt_engine'))
UNION ALL
SELECT f.name FROM our_function f WHERE obj_description(f.oid, 'pg_proc') IS NULL
UNION ALL
SELECT format('schema %s', n.nspname) FROM our_schema n WHERE obj_description(n.oid, 'pg_namespace') IS NULL;

CREATE TEMP VIEW lint_search_path AS
SELECT f.name AS offender FROM our_function f
WHERE f.lanname NOT IN ('c', 'internal') AND f.prosqlbody IS NULL
  AND NOT EXISTS (SELECT FROM unnest(f.proconfig) AS setting
                  WHERE setting = 'search_path=perf, perfmgmt, pg_temp'
                     OR (f.nspname = 'perfmgmt' AND setting = 'search_path=pg_catalog, pg_temp'));

-- Who writes is unsafe, who only reads is not: also a test of the marks, since
-- PostgreSQL's default (VOLATILE, UNSAFE) on a reading function is an oversight.
CREATE TEMP VIEW lint_function_marks AS
SELECT format('%s: volatility %s, parallel %s', f.name, f.provolatile, f.proparallel) AS offender FROM our_function f
WHERE (f.provolatile = 'v' AND f.proparallel <> 'u')
   OR (f.provolatile <> 'v' AND f.proparallel = 'u')
   OR (f.provolatile = 'v' AND f.prorettype <> 'trigger'::regtype AND f.lanname = 'sql' AND f.prosqlbody IS NULL
       AND f.prosrc !~* '\m(insert|update|delete|set_config)\M'
       AND f.prosrc !~* '\m(decide|follow_organisation|require_appointment|propose_changes|propose_about_session|set_reason|queue_events|write_pip_event|write_own_event|pip_today)\M');

CREATE TEMP VIEW lint_security_definer AS
SELECT coalesce(f.name, format('%s is not there', p.routine)) AS offender
FROM (SELECT x.* FROM our_function x WHERE x.prosecdef) f
FULL JOIN perfmgmt.privileged_routine() p ON to_regprocedure(p.routine) = f.oid
WHERE f.oid IS NULL OR p.routine IS NULL OR p.owner::regrole <> f.proowner OR btrim(p.reason) = '';

-- Roles --------------------------------------------------------------------

CREATE TEMP VIEW lint_role_attributes AS
SELECT r.rolname::text AS offender FROM pg_roles r JOIN our_role USING (oid)
WHERE r.rolcanlogin OR r.rolbypassrls OR r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication
   OR (r.rolinherit AND r.rolname IN ('perfmgmt_engine', 'perfmgmt_ledger', 'perfmgmt_app'));

-- Nobody is a member of the owning roles (from 16 on ADMIN alone is none), and
-- of the others only perfmgmt_app of the four that open a schema for a person.
CREATE TEMP VIEW lint_role_members AS
SELECT format('%s in %s', m.member::regrole, m.roleid::regrole) AS offender
FROM pg_auth_members m
WHERE (m.roleid IN (SELECT oid FROM our_role WHERE rolname IN ('perfmgmt_engine', 'perfmgmt_ledger'))
       AND (coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, true)
            OR coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)))
   OR (m.member IN (SELECT oid FROM our_role)
       AND NOT (m.member = to_regrole('perfmgmt_app')
                AND m.roleid IN (SELECT oid FROM our_role
                                 WHERE rolname IN ('perfmgmt_employee', 'perfmgmt_leader', 'perfmgmt_hr', 'perfmgmt_auditor'))));

CREATE TEMP VIEW lint_role_owns AS
SELECT pg_describe_object(d.classid, d.objid, d.objsubid) AS offender
FROM pg_shdepend d JOIN our_role r ON r.oid = d.refobjid
WHERE d.deptype = 'o' AND d.refclassid = 'pg_authid'::regclass
  AND (d.dbid = 0 OR d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()))
  AND NOT (d.classid = 'pg_proc'::regclass
           AND d.objid IN (SELECT to_regprocedure(p.routine) FROM perfmgmt.privileged_routine() p))
  AND NOT (d.classid = 'pg_class'::regclass AND r.rolname = 'perfmgmt_ledger'
           AND d.objid IN (SELECT t.oid FROM ledger_table t
                           UNION ALL SELECT 'perf.access_log_access_log_id_seq'::regclass));

-- The ledger ----------------------------------------------------------------

-- Each table is watched by all four triggers, always, or is in the list of
-- those that are not, with a reason; the ledger itself only refuses TRUNCATE.
CREATE TEMP VIEW lint_unwatched AS
SELECT format('%s: %s', t.name, k.trigger_name) AS offender
FROM our_table t
CROSS JOIN (VALUES ('audit_insert', 'audit_capture'), ('audit_update', 'audit_capture'), ('audit_delete', 'audit_capture'),
                   ('audit_truncate', 'audit_refuse_truncate')) AS k(trigger_name, function_name)
WHERE t.nspname = 'perf'
  AND (t.relname NOT IN (SELECT u.table_name FROM perfmgmt.unaudited_table() u)
       OR (t.oid IN (SELECT l.oid FROM ledger_table l) AND k.trigger_name = 'audit_truncate'))
  AND NOT EXISTS (SELECT FROM pg_trigger g JOIN pg_proc f ON f.oid = g.tgfoid
                  WHERE g.tgrelid = t.oid AND g.tgname = k.trigger_name AND g.tgenabled = 'A' AND g.tgqual IS NULL
                    AND f.proname = k.function_name AND f.pronamespace = 'perfmgmt'::regnamespace)
UNION ALL
SELECT format('%s is not there', u.table_name) FROM perfmgmt.unaudited_table() u
WHERE to_regclass('perf.' || u.table_name) IS NULL OR btrim(u.reason) = '';

-- who rated whom can be erased without the rating
CREATE TEMP VIEW lint_author_in_content AS
SELECT format('%s.%s', c.name, c.attname) AS offender
FROM our_column c JOIN pg_trigger g ON g.tgrelid = c.oid AND g.tgname = 'audit_insert'
WHERE c.attname = ANY (perfmgmt.author_columns(c.oid))
  AND NOT c.attname::text = ANY (string_to_array(encode(g.tgargs, 'escape'), '\000'));

CREATE TEMP VIEW lint_ledger_writable AS
SELECT format('%s: %s %s', m.name, m.rolname, m.privilege) AS offender
FROM may m JOIN ledger_table t USING (oid)
WHERE m.privilege <> 'SELECT' AND m.rolname <> 'perfmgmt_ledger'
  AND NOT (m.rolname = 'perfmgmt_engine' AND m.privilege = 'INSERT' AND t.relname LIKE 'audit\_block%')
UNION ALL
SELECT format('%s: owner %s', t.name, t.relowner::regrole) FROM ledger_table t
WHERE t.relowner::regrole::text <> 'perfmgmt_ledger' OR NOT (t.relrowsecurity AND t.relforcerowsecurity);

-- The link to an author ends, and a release, too: see perfmgmt.retained_table().
CREATE TEMP VIEW lint_without_retention AS
SELECT DISTINCT c.name AS offender
FROM our_column c JOIN our_table t USING (oid)
WHERE t.nspname = 'perf' AND (c.attname IN ('author_id', 'author_ids', 'rater_id', 'calibrator_id') OR c.relname LIKE 'forte\_%')
  AND c.relname NOT IN (SELECT r.table_name FROM perfmgmt.retained_table() r)
UNION
SELECT format('%s is not there', x.table_name) FROM (
    SELECT r.table_name FROM perfmgmt.retained_table() r UNION SELECT b.table_name FROM perfmgmt.erased_beside() b) x
WHERE to_regclass('perf.' || x.table_name) IS NULL;

-- Tables -------------------------------------------------------------------

CREATE TEMP VIEW lint_foreign_key_without_index AS
SELECT format('%s: %s', t.name, k.conname) AS offender
FROM our_table t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'f'
WHERE NOT EXISTS (SELECT FROM pg_index i
                  WHERE i.indrelid = t.oid AND i.indisvalid AND i.indpred IS NULL
                    AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey);

CREATE TEMP VIEW lint_without_primary_key AS
SELECT t.name AS offender FROM our_table t
WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = t.oid AND k.contype = 'p')
  AND t.oid NOT IN (SELECT s.oid FROM staging_table s);

CREATE TEMP VIEW lint_owned_by_extension AS
SELECT pg_describe_object(d.classid, d.objid, 0) AS offender
FROM pg_depend d
WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
  AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'perfmgmt')
  AND (d.classid = 'pg_class'::regclass
       OR (d.classid = 'pg_namespace'::regclass AND d.objid <> to_regnamespace('perfmgmt')));

-- DROP EXTENSION CASCADE would take such a column, default, check or index along.
CREATE TEMP VIEW lint_depends_on_extension AS
SELECT format('%s.%s: %s', c.name, c.attname, c.atttypid::regtype) AS offender
FROM our_column c JOIN pg_type y ON y.oid = c.atttypid LEFT JOIN pg_type e ON e.oid = y.typelem
WHERE c.relkind IN ('r', 'p')
  AND ('pg_catalog'::regnamespace NOT IN (y.typnamespace, coalesce(e.typnamespace, 'pg_catalog'::regnamespace))
       OR y.typnamespace <> 'pg_catalog'::regnamespace)
UNION ALL
SELECT pg_describe_object(d.classid, d.objid, d.objsubid)
FROM pg_depend d
JOIN pg_depend m ON (m.classid, m.objid) = (d.refclassid, d.refobjid) AND m.deptype = 'e'
JOIN pg_extension x ON x.oid = m.refobjid AND m.refclassid = 'pg_extension'::regclass AND x.extname = 'perfmgmt'
WHERE d.deptype IN ('n', 'a')
  AND d.classid IN ('pg_attrdef'::regclass, 'pg_constraint'::regclass, 'pg_class'::regclass)
  -- the index that serves the leaders' policies: DROP EXTENSION takes it, and no row
  AND NOT (m.classid = 'pg_opclass'::regclass AND m.objid = (SELECT oid FROM pg_opclass WHERE opcname = 'chain_ops'
                                                               AND opcnamespace = 'perfmgmt'::regnamespace));

-- The leaders' policies need that operator class on each manager_chain.
CREATE TEMP VIEW lint_chain_without_index AS
SELECT c.name AS offender FROM our_column c
WHERE c.attname = 'manager_chain' AND c.relkind IN ('r', 'p')
  AND c.name <> 'perf.principle_rating' -- read through people, see there
  AND NOT EXISTS (SELECT FROM pg_index i JOIN pg_opclass o ON o.oid = i.indclass[0]
                  WHERE i.indrelid = c.oid AND i.indkey[0] = c.attnum AND o.opcname = 'chain_ops');

CREATE TEMP VIEW lint_enum AS
SELECT format('%s.%s', n.nspname, y.typname) AS offender
FROM pg_type y JOIN our_schema n ON n.oid = y.typnamespace WHERE y.typtype = 'e';

-- Histograms of other people's rows would leak through EXPLAIN.
CREATE TEMP VIEW lint_release_table_statistics AS
SELECT format('%s.%s', c.name, c.attname) AS offender FROM our_column c
WHERE c.relkind = 'r' AND c.name LIKE 'perf.forte\_%' AND coalesce(c.attstattarget, -1) <> 0;

-- An index that begins otherwise would let EXPLAIN ANALYZE count the rows of others
-- with a value: "Rows Removed by Filter".
CREATE TEMP VIEW lint_release_table_index AS
SELECT format('%s: %s', t.name, i.indexrelid::regclass) AS offender
FROM our_table t JOIN pg_index i ON i.indrelid = t.oid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
WHERE t.name LIKE 'perf.forte\_%' AND a.attname <> 'employee_id';

-- manager_name signs the summary, and raters is a word for how many: both meant.
CREATE TEMP VIEW lint_release_table_author AS
SELECT format('%s.%s', c.name, c.attname) AS offender FROM our_column c
WHERE c.relkind = 'r' AND c.name LIKE 'perf.forte\_%'
  AND c.attname ~ '(author|rater|manager|assess|_by$|^by_|tier|points|potential|performance|band|calibrat|quota|lot)'
  AND (c.relname, c.attname) NOT IN (('forte_summary', 'manager_name'), ('forte_score', 'raters'));

-- ---------------------------------------------------------------------------

CREATE TEMP TABLE offence (rule text, offender text, statement text);
INSERT INTO offence VALUES
('person_table_unprotected', 'perf.planted',
    'CREATE TABLE perf.planted (employee_id int PRIMARY KEY); ALTER TABLE perf.planted ENABLE ROW LEVEL SECURITY'),
('person_table_unprotected', 'perf.planted', 'CREATE TABLE perf.planted (seen_by int REFERENCES perf.employee)'),
('person_table_unprotected', 'olr.planted', 'CREATE TABLE olr.planted (external_id text)'),
('person_table_unprotected', 'perf.goal', 'ALTER TABLE perf.goal NO FORCE ROW LEVEL SECURITY'),
('staging_privilege', 'perf.import_line: perfmgmt_hr SELECT', 'GRANT SELECT (line) ON perf.import_line TO perfmgmt_hr'),
('policy_for_owner', 'perf.goal: planted', 'CREATE POLICY planted ON perf.goal USING (true)'),
('policy_for_owner', 'perf.goal: planted', 'CREATE POLICY planted ON perf.goal TO CURRENT_USER USING (true)'),
('policy_of_engine', 'perf.goal', 'DROP POLICY engine ON perf.goal'),
('policy_of_engine', 'perf.goal', 'REVOKE ALL ON perf.goal FROM perfmgmt_engine'),
('policy_of_engine', 'perf.goal', 'ALTER POLICY engine ON perf.goal WITH CHECK (employee_id > 0)'),
('policy_of_engine', 'perf.goal', 'CREATE POLICY planted ON perf.goal TO perfmgmt_engine USING (true)'),
('own_row_visible', 'perf.goal: perfmgmt_leader', 'DROP POLICY not_oneself ON perf.goal'),
('own_row_visible', 'perf.goal: perfmgmt_hr', 'ALTER POLICY not_oneself ON perf.goal TO perfmgmt_leader'),
('own_row_visible', 'perf.goal: perfmgmt_hr', 'ALTER POLICY not_oneself ON perf.goal USING (true)'),
('own_row_visible', 'perf.forte_label: perfmgmt_hr', 'GRANT SELECT (forte_label) ON perf.forte_label TO perfmgmt_hr'),
('policy_looks_up', 'perf.goal: leader',
    'ALTER POLICY leader ON perf.goal USING (employee_id IN (SELECT e.employee_id FROM perf.employee e))'),
('policy_function', 'perf.goal: perf.planted()',
    $$CREATE FUNCTION perf.planted() RETURNS int STABLE PARALLEL SAFE LANGUAGE sql AS 'SELECT 1';
      ALTER POLICY leader ON perf.goal USING (employee_id = perf.planted())$$),
('read_not_logged', 'perf.overall_value: session', 'ALTER POLICY session ON perf.overall_value USING (calibration_session_id = ANY (perfmgmt.actor_sessions()))'),
('read_not_logged', 'perf.assessment: leader',
    $$ALTER POLICY leader ON perf.assessment USING (perfmgmt.log_read('perf.assessment', employee_id) AND manager_chain OPERATOR(perfmgmt.@>) ARRAY[perfmgmt.actor_id()])$$),
('read_not_logged', 'perf.goal: hr', 'ALTER TABLE perf.goal ADD author_id int'),
('author_readable', 'perf.principle_rating: perfmgmt_leader', 'GRANT SELECT ON perf.principle_rating TO perfmgmt_leader'),
('author_readable', 'perf.feedback_item: perfmgmt_hr', 'GRANT SELECT (item_text) ON perf.feedback_item TO perfmgmt_hr'),
('author_readable', 'perf.planted: perfmgmt_auditor', 'CREATE TABLE perf.planted (author_id int); GRANT SELECT ON perf.planted TO perfmgmt_auditor'),
('employee_privilege', 'perf.assessment: SELECT', 'GRANT SELECT (potential) ON perf.assessment TO perfmgmt_employee'),
('employee_privilege', 'perf.forte_label: UPDATE', 'GRANT UPDATE ON perf.forte_label TO perfmgmt_employee'),
('employee_privilege', 'perf.planted: SELECT', 'CREATE TABLE perf.planted (i int); GRANT SELECT ON perf.planted TO PUBLIC'),
('employee_function', 'perf.explain_rank(integer,integer)', 'GRANT EXECUTE ON FUNCTION perf.explain_rank TO perfmgmt_employee'),
('forte_view_reads', 'forte.planted: perf.overall_value',
    'CREATE VIEW forte.planted AS SELECT count(*) AS n FROM perf.overall_value'),
('public_privilege', 'perf.goal SELECT', 'GRANT SELECT ON perf.goal TO PUBLIC'),
('public_privilege', 'perf.goal.weight SELECT', 'GRANT SELECT (weight) ON perf.goal TO PUBLIC'),
('public_privilege', 'function perf.planted()', $$CREATE FUNCTION perf.planted() RETURNS int LANGUAGE sql AS 'SELECT 1'$$),
('public_privilege', 'schema olr USAGE', 'GRANT USAGE ON SCHEMA olr TO PUBLIC'),
('public_privilege', 'sequence perf.decision_decision_id_seq USAGE', 'GRANT USAGE ON SEQUENCE perf.decision_decision_id_seq TO PUBLIC'),
('public_privilege', 'default privilege in schema perf', 'ALTER DEFAULT PRIVILEGES IN SCHEMA perf GRANT SELECT ON TABLES TO PUBLIC'),
('may_truncate', 'perf.goal: perfmgmt_hr TRUNCATE', 'GRANT TRUNCATE ON perf.goal TO perfmgmt_hr'),
('view_without_invoker', 'olr.rating',
    format('CREATE OR REPLACE VIEW olr.rating AS %s', pg_get_viewdef('olr.rating'::regclass))),
('view_without_invoker', 'olr.planted', 'CREATE MATERIALIZED VIEW olr.planted AS SELECT 1 AS i'),
('without_comment', 'perf.planted', 'CREATE TABLE perf.planted (i int)'),
('without_comment', 'olr.planted.i', $$CREATE VIEW olr.planted AS SELECT 1 AS i; COMMENT ON VIEW olr.planted IS 'x'$$),
('without_comment', 'perfmgmt.planted()', $$CREATE FUNCTION perfmgmt.planted() RETURNS int LANGUAGE sql AS 'SELECT 1'$$),
('without_comment', 'schema insight', 'COMMENT ON SCHEMA insight IS NULL'),
('search_path', 'perf.planted()', $$CREATE FUNCTION perf.planted() RETURNS int LANGUAGE sql AS 'SELECT 1'$$),
('search_path', 'perf.planted()',
    $$CREATE FUNCTION perf.planted() RETURNS int LANGUAGE plpgsql SET search_path = perf, perfmgmt AS 'BEGIN RETURN 1; END'$$),
('search_path', 'perf.approve(integer,text)', 'ALTER FUNCTION perf.approve RESET search_path'),
('function_marks', 'perf.lot_of(bytea,text): volatility i, parallel u', 'ALTER FUNCTION perf.lot_of PARALLEL UNSAFE'),
('function_marks', 'perf.approve(integer,text): volatility v, parallel s', 'ALTER FUNCTION perf.approve PARALLEL SAFE'),
('function_marks', 'perf.planted(): volatility v, parallel u', $$CREATE FUNCTION perf.planted() RETURNS int LANGUAGE sql AS 'SELECT 1'$$),
('security_definer', 'perf.check_policy(integer)', 'ALTER FUNCTION perf.check_policy SECURITY DEFINER'),
('security_definer', 'perf.approve(integer,text)', 'ALTER FUNCTION perf.approve OWNER TO CURRENT_USER'),
('security_definer', 'perf.reject(int, text) is not there', 'ALTER FUNCTION perf.reject SECURITY INVOKER'),
('role_attributes', 'perfmgmt_engine', 'ALTER ROLE perfmgmt_engine BYPASSRLS'),
('role_attributes', 'perfmgmt_app', 'ALTER ROLE perfmgmt_app INHERIT'),
('role_attributes', 'perfmgmt_hr', 'ALTER ROLE perfmgmt_hr LOGIN'),
('role_members', 'planted in perfmgmt_engine', 'CREATE ROLE planted; GRANT perfmgmt_engine TO planted'),
('role_members', 'perfmgmt_leader in perfmgmt_hr', 'GRANT perfmgmt_hr TO perfmgmt_leader'),
('role_owns', 'table perf.goal', 'ALTER TABLE perf.goal OWNER TO perfmgmt_engine'),
('role_owns', 'function perf.check_policy(integer)', 'ALTER FUNCTION perf.check_policy OWNER TO perfmgmt_engine'),
('foreign_key_without_index', 'perf.planted: planted_a_fkey', 'CREATE TABLE perf.planted (a int REFERENCES perf.employee, b int, UNIQUE (b, a))'),
('without_primary_key', 'perf.planted', 'CREATE TABLE perf.planted (i int UNIQUE)'),
('owned_by_extension', 'table perf.goal', 'ALTER EXTENSION perfmgmt ADD TABLE perf.goal'),
('depends_on_extension', 'perf.planted.x: perf.planted_type', 'CREATE TYPE perf.planted_type AS (i int); CREATE TABLE perf.planted (x perf.planted_type)'),
('depends_on_extension', 'perf.planted.x: perf.planted_type[]', 'CREATE TYPE perf.planted_type AS (i int); CREATE TABLE perf.planted (x perf.planted_type[])'),
('depends_on_extension', 'default value for column i of table perf.planted', 'CREATE TABLE perf.planted (i int DEFAULT perfmgmt.actor_id())'),
('depends_on_extension', 'constraint planted_i_check on table perf.planted', 'CREATE TABLE perf.planted (i int CHECK (i <> perfmgmt.actor_id()))'),
('chain_without_index', 'perf.planted', 'CREATE TABLE perf.planted (manager_chain int[]); CREATE INDEX ON perf.planted USING gin (manager_chain)'),
('enum', 'perf.planted', $$CREATE TYPE perf.planted AS ENUM ('a')$$),
('release_table_statistics', 'perf.forte_score.raters', 'ALTER TABLE perf.forte_score ALTER COLUMN raters SET STATISTICS -1'),
('release_table_statistics', 'perf.forte_planted.i', 'CREATE TABLE perf.forte_planted (i int)'),
('release_table_index', 'perf.forte_score: perf.planted', 'CREATE INDEX planted ON perf.forte_score (relation)'),
('release_table_author', 'perf.forte_score.rater_id', 'ALTER TABLE perf.forte_score ADD rater_id int'),
('unwatched', 'perf.planted: audit_insert', 'CREATE TABLE perf.planted (employee_id int PRIMARY KEY)'),
('unwatched', 'perf.goal: audit_update', 'ALTER TABLE perf.goal DISABLE TRIGGER audit_update'),
('unwatched', 'perf.goal: audit_delete', 'ALTER TABLE perf.goal ENABLE TRIGGER audit_delete'),
('unwatched', 'perf.audit_entry: audit_truncate', 'DROP TRIGGER audit_truncate ON perf.audit_entry'),
('unwatched', 'review_cycle_secret is not there', 'DROP TABLE perf.review_cycle_secret'),
('without_retention', 'perf.goal_comment', 'CREATE TABLE perf.goal_comment (employee_id int PRIMARY KEY, author_id int)'),
('without_retention', 'forte_score is not there', 'DROP TABLE perf.forte_score CASCADE'),
('author_in_content', 'perf.goal.rater_id', 'ALTER TABLE perf.goal ADD rater_id int'),
('ledger_writable', 'perf.audit_entry: perfmgmt_engine INSERT', 'GRANT INSERT ON perf.audit_entry TO perfmgmt_engine'),
('ledger_writable', 'perf.audit_block: perfmgmt_hr UPDATE', 'GRANT UPDATE (hash) ON perf.audit_block TO perfmgmt_hr'),
('ledger_writable', 'perf.audit_head: owner postgres', 'ALTER TABLE perf.audit_head OWNER TO postgres'),
('release_table_author', 'perf.forte_label.final_tier', 'ALTER TABLE perf.forte_label ADD final_tier text');

CREATE FUNCTION pg_temp.offenders(rule text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    found text[];
BEGIN
    EXECUTE format('SELECT coalesce(array_agg(offender::text ORDER BY offender), ''{}'') FROM pg_temp.%I', 'lint_' || rule) INTO found;
    RETURN found;
END
$$;

-- What the rule finds with the offence in place, which is then undone.
CREATE FUNCTION pg_temp.offenders_with(rule text, statement text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    found text[];
BEGIN
    BEGIN
        EXECUTE statement;
        found := pg_temp.offenders(rule);
        RAISE EXCEPTION USING ERRCODE = 'ZZ001';
    EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
        RETURN found;
    END;
END
$$;

CREATE TEMP VIEW rule AS
SELECT substr(c.relname, 6) AS rule FROM pg_class c
WHERE c.relnamespace = pg_my_temp_schema() AND c.relkind = 'v' AND c.relname LIKE 'lint\_%';

SELECT plan((SELECT count(*) FROM rule)::int + (SELECT count(*) FROM offence)::int + 1);

SELECT is(pg_temp.offenders(rule), '{}', replace(rule, '_', ' ') || ': nothing') FROM rule ORDER BY rule;
SELECT is(r.rule, NULL, 'each rule is proven by an offence: ' || coalesce(r.rule, 'yes'))
FROM (SELECT 1) one LEFT JOIN rule r ON r.rule NOT IN (SELECT o.rule FROM offence o);
SELECT ok(o.offender = ANY (f.found), format('%s finds %s', replace(o.rule, '_', ' '), o.offender))
       || CASE WHEN o.offender = ANY (f.found) THEN '' ELSE E'\n' || diag(format('found %s', f.found)) END
FROM offence o CROSS JOIN LATERAL (SELECT pg_temp.offenders_with(o.rule, o.statement) AS found) f;

SELECT * FROM finish();
ROLLBACK;
