-- install: the company's records, as ordinary objects owned by the caller.

-- The roles that open a schema for a person and that perfmgmt_app cannot take yet.
CREATE FUNCTION perfmgmt.app_role_to_grant() RETURNS SETOF name
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.role_name
    FROM perfmgmt.role_to_create() r
    WHERE r.role_name IN ('perfmgmt_employee', 'perfmgmt_leader', 'perfmgmt_hr', 'perfmgmt_auditor')
      AND NOT EXISTS (SELECT FROM pg_auth_members m
                      WHERE m.roleid = to_regrole(r.role_name::text) AND m.member = to_regrole('perfmgmt_app'))
$$;
COMMENT ON FUNCTION perfmgmt.app_role_to_grant() IS
'The roles that perfmgmt_app becomes with SET ROLE and is not yet a member of; no rows after an install().';

-- What install() needs and does not have, a row a statement to ask for.
CREATE FUNCTION perfmgmt.install_lacks()
RETURNS TABLE (lack text, statement text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH caller AS (
        SELECT p.rolsuper, p.rolcreaterole, current_setting('server_version_num')::int >= 160000 AS since_16
        FROM pg_roles p WHERE p.rolname = current_user
    ), wanted AS (
        SELECT r.*, p.oid,
               -- from 16 on, ADMIN can be had without membership, and CREATEROLE alone is not enough
               format('GRANT %I TO %I WITH %s;', r.role_name, current_user,
                      CASE WHEN c.since_16 THEN 'ADMIN TRUE, INHERIT FALSE, SET FALSE' ELSE 'ADMIN OPTION' END) AS admin_grant,
               c.rolsuper OR (c.rolcreaterole AND NOT c.since_16)
                   OR coalesce(pg_has_role(current_user, p.oid, 'USAGE WITH ADMIN OPTION'), false) AS is_admin,
               c.rolsuper OR c.rolcreaterole AS may_create
        FROM perfmgmt.role_to_create() r CROSS JOIN caller c
        LEFT JOIN pg_roles p ON p.rolname = r.role_name
    ), lacking AS (
        SELECT 1 AS place, 'no right to create schemas in this database' AS lack,
               format('GRANT CREATE ON DATABASE %I TO %I;', current_database(), current_user) AS statement
        WHERE NOT has_database_privilege(current_user, current_database(), 'CREATE')
        UNION ALL
        SELECT 2, format('the records belong to role "%s", who installs them again', o.rolname),
               format('SET ROLE %I; CALL perfmgmt.install(); RESET ROLE;', o.rolname)
        FROM pg_namespace n JOIN pg_roles o ON o.oid = n.nspowner
        WHERE n.nspname IN ('perf', 'forte', 'olr', 'insight')
          AND NOT pg_has_role(current_user, n.nspowner, 'USAGE')
        GROUP BY o.rolname
        UNION ALL
        SELECT 3, format('role "%s" does not exist and you may not create it', w.role_name),
               rtrim(format('CREATE ROLE %I NOLOGIN %s', w.role_name, w.attributes)) || ';'
               || CASE WHEN w.owns_routines THEN ' ' || w.admin_grant ELSE '' END
        FROM wanted w WHERE w.oid IS NULL AND NOT w.may_create
        UNION ALL
        SELECT 4, format('no ADMIN option on role "%s"', w.role_name), w.admin_grant
        FROM wanted w WHERE w.oid IS NOT NULL AND w.owns_routines AND NOT w.is_admin
        UNION ALL
        SELECT 5, format('role "perfmgmt_app" is not a member of role "%s" and you may not grant that', w.role_name),
               format('GRANT %I TO perfmgmt_app;', w.role_name)
        FROM perfmgmt.app_role_to_grant() g JOIN wanted w ON w.role_name = g
        WHERE NOT w.is_admin AND (w.oid IS NOT NULL OR NOT w.may_create)
    )
    SELECT l.lack, l.statement FROM lacking l ORDER BY l.place, l.lack
$$;
COMMENT ON FUNCTION perfmgmt.install_lacks() IS
'What install() needs and the caller lacks, with the statement to ask an administrator for; no rows when install() can run.';

-- The records were made by a newer version of the extension?
CREATE FUNCTION perfmgmt.recorded_schema_version() RETURNS int
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    recorded int := 0;
BEGIN
    IF to_regclass('perf.schema_version') IS NOT NULL THEN
        SELECT v.version INTO recorded FROM perf.schema_version v;
    END IF;
    RETURN recorded;
END
$$;
COMMENT ON FUNCTION perfmgmt.recorded_schema_version() IS
'The version of the installed records, 0 before the first install().';

CREATE FUNCTION perfmgmt.check_can_install() RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    lacks record;
    newest int := (SELECT max(s.step) FROM perfmgmt.schema_source() s);
BEGIN
    SELECT string_agg(l.lack, E'\n') AS lack, string_agg(l.statement, E'\n') AS statement
    INTO lacks FROM perfmgmt.install_lacks() l;
    IF lacks.lack IS NOT NULL THEN
        RAISE EXCEPTION 'install() lacks rights'
            USING ERRCODE = 'PM007',
                  DETAIL = lacks.lack,
                  HINT = E'Ask an administrator to run:\n' || lacks.statement;
    END IF;
    IF perfmgmt.recorded_schema_version() > newest THEN
        RAISE EXCEPTION 'the records are newer than this version of the extension'
            USING ERRCODE = 'PM007',
                  DETAIL = format('The records have schema version %s, the extension knows %s.',
                                  perfmgmt.recorded_schema_version(), newest),
                  HINT = 'Install the newer perfmgmt package, then ALTER EXTENSION perfmgmt UPDATE.';
    END IF;
END
$$;
COMMENT ON FUNCTION perfmgmt.check_can_install() IS
'Refuses (PM007) without the rights, with the statements to ask for, or over newer records.';

CREATE PROCEDURE perfmgmt.install()
LANGUAGE plpgsql
SET search_path = perf, perfmgmt, pg_temp
SET client_min_messages = warning
SET check_function_bodies = on
AS $$
DECLARE
    caller name := current_user;
    borrowed name[] := '{}';
    part record;
    recorded int;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('perfmgmt.install'));
    PERFORM perfmgmt.check_can_install();
    recorded := perfmgmt.recorded_schema_version();

    FOR part IN SELECT * FROM perfmgmt.role_to_create() r
                WHERE NOT EXISTS (SELECT FROM pg_roles p WHERE p.rolname = r.role_name) LOOP
        EXECUTE format('CREATE ROLE %I NOLOGIN %s', part.role_name, part.attributes);
    END LOOP;
    FOR part IN SELECT g AS role_name FROM perfmgmt.app_role_to_grant() g LOOP
        EXECUTE format('GRANT %I TO perfmgmt_app', part.role_name);
    END LOOP;
    -- changing an owner needs membership in the new one: borrowed, handed back below
    FOR part IN SELECT r.role_name, pg_has_role(caller, r.role_name, 'USAGE') AS is_member
                FROM perfmgmt.role_to_create() r WHERE r.owns_routines LOOP
        IF NOT part.is_member THEN
            EXECUTE format('GRANT %I TO %I', part.role_name, caller);
        END IF;
        -- before 16 an ADMIN option is a membership that reads everything: it goes as well
        IF NOT part.is_member
           OR (current_setting('server_version_num')::int < 160000
               AND NOT (SELECT p.rolsuper FROM pg_roles p WHERE p.rolname = caller)) THEN
            borrowed := borrowed || part.role_name;
        END IF;
    END LOOP;

    FOR part IN SELECT s AS schema_name FROM unnest('{perf,forte,olr,insight}'::name[]) s
                WHERE to_regnamespace(s::text) IS NULL LOOP
        EXECUTE format('CREATE SCHEMA %I', part.schema_name);
    END LOOP;
    GRANT CREATE ON SCHEMA perf TO perfmgmt_engine, perfmgmt_ledger;

    FOR part IN SELECT s.* FROM perfmgmt.schema_source() s
                WHERE s.step > recorded OR s.step IS NULL
                ORDER BY s.step NULLS LAST, s.ordinal LOOP
        EXECUTE part.source;
    END LOOP;

    REVOKE ALL ON ALL ROUTINES IN SCHEMA perf FROM PUBLIC;
    -- the privileged routines call the others
    GRANT EXECUTE ON ALL ROUTINES IN SCHEMA perf TO perfmgmt_engine;
    FOR part IN SELECT p.* FROM perfmgmt.privileged_routine() p LOOP
        EXECUTE format('ALTER ROUTINE %s OWNER TO %I', part.routine::regprocedure, part.owner);
        -- the owner of the records keeps the right to call them
        EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %s', part.routine::regprocedure,
                       (SELECT n.nspowner::regrole FROM pg_namespace n WHERE n.nspname = 'perf'));
    END LOOP;
    REVOKE CREATE ON SCHEMA perf FROM perfmgmt_engine, perfmgmt_ledger;
    CALL perfmgmt.watch_tables();
    CALL perfmgmt.let_erase();

    -- in the ledger too: so a change of the records by us is no alarm
    IF NOT EXISTS (SELECT FROM schema_version v JOIN pg_extension e ON e.extname = 'perfmgmt'
                   WHERE v.version = (SELECT max(s.step) FROM perfmgmt.schema_source() s)
                     AND v.extension_version = e.extversion) THEN
        DELETE FROM schema_version;
        INSERT INTO schema_version (version, extension_version, installed_by)
        SELECT (SELECT max(s.step) FROM perfmgmt.schema_source() s), e.extversion, caller
        FROM pg_extension e WHERE e.extname = 'perfmgmt';
    END IF;

    FOR part IN SELECT b AS role_name FROM unnest(borrowed) b LOOP
        EXECUTE format('REVOKE %I FROM %I', part.role_name, caller);
    END LOOP;
END
$$;
COMMENT ON PROCEDURE perfmgmt.install() IS
'Creates the company''s records: schemas perf, forte, olr, insight with tables, views, policies and triggers, owned by the caller. Idempotent, and the upgrade path. Error PM007 without the rights (with the statements to ask for) or over newer records.';
