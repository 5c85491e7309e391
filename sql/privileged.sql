-- Whoever reviews privileged code reads this list: every SECURITY DEFINER
-- routine, who owns it, and why it must run with more rights than its caller.
-- install() hands the routines to these owners; the catalog lint fails on a
-- SECURITY DEFINER routine that is not here.

CREATE FUNCTION perfmgmt.role_to_create()
RETURNS TABLE (role_name name, attributes text, owns_routines boolean, purpose text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    VALUES ('perfmgmt_engine'::name, 'NOINHERIT', true, 'owns the privileged routines; nobody is a member'),
           ('perfmgmt_ledger', 'NOINHERIT', true, 'owns the audit tables; nobody is a member'),
           ('perfmgmt_employee', '', false, 'opens forte: what an employee sees about oneself'),
           ('perfmgmt_leader', '', false, 'opens olr: what a leader sees about the people below'),
           ('perfmgmt_hr', '', false, 'opens olr, policies and approvals, for appointed people'),
           ('perfmgmt_auditor', '', false, 'opens the ledger, for appointed people'),
           ('perfmgmt_analyst', '', false, 'opens insight: released and suppressed figures'),
           ('perfmgmt_app', 'NOINHERIT', false, 'may call act_as() and become one of the first four')
$$;
COMMENT ON FUNCTION perfmgmt.role_to_create() IS
'The cluster roles that install() makes when they are missing: name, attributes, whether privileged routines belong to it, what it is for.';

CREATE FUNCTION perfmgmt.privileged_routine()
RETURNS TABLE (routine text, owner name, reason text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.routine, 'perfmgmt_engine'::name, r.reason FROM (VALUES
        ('perf.follow_organisation(int[])', 'writes manager_chain of many people, which nobody may write'),
        ('perf.assignment_changed()', 'the trigger that calls follow_organisation() for any writer of assignment'),
        ('perf.refresh_organisation()', 'HR or the owner lets the assignments of today take effect'),
        ('perf.move_employee(int, int, date, int)', 'HR writes assignments, after a check of the appointment'),
        ('perf.map_login(name, int, text)', 'the owner of the records maps logins, HR proposes it, after a check of the appointment'),
        ('perf.record_absence(int, daterange)', 'HR records leave, after a check of the appointment'),
        ('perf.new_policy_version(int)', 'HR copies a policy, after a check of the appointment'),
        ('perf.create_cycle(text, date, date, int, date, date, date)', 'HR makes cycles, after a check of the appointment'),
        ('perf.open_cycle(int)', 'writes the participation of everybody and the secret key of the lots'),
        ('perf.advance_cycle(int)', 'HR moves a cycle on, after a check of the appointment'),
        ('perf.approve(int, text)', 'writes the decision and its effect, after the checks of decide()'),
        ('perf.reject(int, text)', 'writes the decision, after the checks of decide()'),
        ('perf.appoint(int, text, text, date)', 'writes a proposal, or the first appointments for the owner'),
        ('perf.change_eligibility(int, int, text, text)', 'writes a proposal, after a check of the appointment'),
        ('perf.calibrate(int)', 'computes over everybody, HRs own row included'),
        ('perf.import_org()', 'HR writes people and assignments, after a check of the appointment'),
        ('perf.import_ratings(int)', 'HR writes ratings, after a check of the appointment'),
        ('perf.import_assessments(int)', 'HR writes assessments, after a check of the appointment'),
        ('perf.import_accomplishments()', 'HR writes accomplishments, after a check of the appointment'),
        ('perf.stage_lines(text)', 'reads and empties staging tables, which HR may only fill'),
        ('perf.import_problems(text)', 'shows HR or the owner the rows that an import refused'),
        ('perf.explain_rank(int, int)', 'counts people whom the caller may not see, after a check of the person asked about; names nobody'),
        ('perf.release_forte(int, text)', 'reads all ratings and writes the release tables, which nobody else may write')
    ) AS r(routine, reason)
$$;
COMMENT ON FUNCTION perfmgmt.privileged_routine() IS
'Every SECURITY DEFINER routine of the records: signature, owner, and the reason why it needs more rights than its caller.';
