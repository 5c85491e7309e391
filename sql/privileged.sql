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
        ('perf.x()', 'y')
    ) AS r(routine, reason)
$$;
COMMENT ON FUNCTION perfmgmt.privileged_routine() IS
'Every SECURITY DEFINER routine of the records: signature, owner, and the reason why it needs more rights than its caller.';
