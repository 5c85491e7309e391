-- audit: canonical encoding, hashes, triggers of the ledger. doc/audit.md
-- describes the bytes.

CREATE FUNCTION perfmgmt.canonical(value anyelement) RETURNS bytea
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_canonical';
COMMENT ON FUNCTION perfmgmt.canonical(anyelement) IS
'The canonical encoding of a value, version 1: the same bytes on every server, whatever its TimeZone, DateStyle, locale and encoding.';

CREATE FUNCTION perfmgmt.canonical_row(value record) RETURNS bytea
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_canonical_row';
COMMENT ON FUNCTION perfmgmt.canonical_row(record) IS
'The canonical encoding of a row: the number of columns, then name and value of each.';

CREATE FUNCTION perfmgmt.canonical_row_json(value record) RETURNS jsonb
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_canonical_row_json';
COMMENT ON FUNCTION perfmgmt.canonical_row_json(record) IS
'A row as the ledger would show it: encoded and read back.';

CREATE FUNCTION perfmgmt.merkle_root(leaves bytea[]) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_merkle_root';
COMMENT ON FUNCTION perfmgmt.merkle_root(bytea[]) IS
'The root of the Merkle tree over these leaves in this order, SHA-256, as in RFC 6962.';

CREATE FUNCTION perfmgmt.merkle_add(tree internal, leaf bytea) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_merkle_add';
COMMENT ON FUNCTION perfmgmt.merkle_add(internal, bytea) IS 'Transition function of merkle_tree().';

CREATE FUNCTION perfmgmt.merkle_finish(tree internal) RETURNS bytea
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_merkle_finish';
COMMENT ON FUNCTION perfmgmt.merkle_finish(internal) IS 'Final function of merkle_tree().';

CREATE AGGREGATE perfmgmt.merkle_tree(leaf bytea) (
    SFUNC = perfmgmt.merkle_add,
    STYPE = internal,
    FINALFUNC = perfmgmt.merkle_finish,
    FINALFUNC_MODIFY = READ_ONLY,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE perfmgmt.merkle_tree(bytea) IS
'merkle_root() of the leaves in the order given: merkle_tree(leaf ORDER BY ...).';

CREATE FUNCTION perfmgmt.merkle_path(leaves bytea[], leaf_index bigint) RETURNS bytea[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_merkle_path';
COMMENT ON FUNCTION perfmgmt.merkle_path(bytea[], bigint) IS
'The proof that a leaf (counted from 0) is in the tree: the nodes beside its way up, as in RFC 6962.';

CREATE FUNCTION perfmgmt.merkle_climb(leaf bytea, leaf_index bigint, tree_size bigint, path bytea[]) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_merkle_climb';
COMMENT ON FUNCTION perfmgmt.merkle_climb(bytea, bigint, bigint, bytea[]) IS
'The root that a leaf and its merkle_path() give: the leaf is in the tree when it is the tree''s root. NULL when the path cannot be one of a tree of this size.';

CREATE FUNCTION perfmgmt.audit_header(subject int, sequence bigint, table_name text, operation text) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_audit_header';
COMMENT ON FUNCTION perfmgmt.audit_header(int, bigint, text, text) IS
'The header of an entry as chain_hash() takes it.';

CREATE FUNCTION perfmgmt.part_digest(part_name text, part bytea) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_part_digest';
COMMENT ON FUNCTION perfmgmt.part_digest(text, bytea) IS
'The digest of a part of an entry, "content" or "authorship", from its bytes with the salt in front.';

CREATE FUNCTION perfmgmt.chain_hash(previous_hash bytea, header bytea, content_digest bytea, authorship_digest bytea) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_chain_hash';
COMMENT ON FUNCTION perfmgmt.chain_hash(bytea, bytea, bytea, bytea) IS
'The hash of an entry: over the header, the digests of its two parts and the hash of the entry before (32 zero bytes for the first).';

CREATE FUNCTION perfmgmt.block_hash(
    block bigint, previous_hash bytea, entries bigint, heads bigint, entries_root bytea, heads_root bytea,
    sealed_at timestamptz, system_identifier bigint, timeline int, database_oid bigint, incarnation int) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_block_hash';
COMMENT ON FUNCTION perfmgmt.block_hash(bigint, bytea, bigint, bigint, bytea, bytea, timestamptz, bigint, int, bigint, int) IS
'The hash of a block of the ledger, over everything it says.';

CREATE FUNCTION perfmgmt.audit_content(part bytea) RETURNS jsonb
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_audit_content';
COMMENT ON FUNCTION perfmgmt.audit_content(bytea) IS
'The content of an entry, readable: reason, row before, row after. Error XX001 when the bytes are damaged.';

CREATE FUNCTION perfmgmt.audit_authorship(part bytea) RETURNS jsonb
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_audit_authorship';
COMMENT ON FUNCTION perfmgmt.audit_authorship(bytea) IS
'The authorship of an entry, readable: transaction, time, session user, actor, on whose behalf, and the columns of the row that name an author. Error XX001 when the bytes are damaged.';

-- Capture -------------------------------------------------------------------

CREATE FUNCTION perfmgmt.audit_capture() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perfmgmt_audit_capture';
COMMENT ON FUNCTION perfmgmt.audit_capture() IS
'Statement trigger: writes what the statement changed into the ledger. Its arguments are the columns that name an author.';

CREATE FUNCTION perfmgmt.audit_refuse_truncate() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perfmgmt_audit_refuse_truncate';
COMMENT ON FUNCTION perfmgmt.audit_refuse_truncate() IS
'Statement trigger: refuses TRUNCATE (0A000), which no row trigger sees.';

CREATE FUNCTION perfmgmt.audit_baseline(of_table regclass, author_columns text[]) RETURNS bigint
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perfmgmt_audit_baseline';
COMMENT ON FUNCTION perfmgmt.audit_baseline(regclass, text[]) IS
'Writes the rows that a table holds into the ledger, before its triggers are made; for its owner. Returns how many.';

CREATE FUNCTION perfmgmt.audit_leave(of_table regclass, author_columns text[]) RETURNS bigint
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perfmgmt_audit_leave';
COMMENT ON FUNCTION perfmgmt.audit_leave(regclass, text[]) IS
'Writes into the ledger that the rows of a table leave the name they have there, before the table is attached or detached as a partition; audit_baseline() after it gives them the new one. For its owner. Returns how many.';

CREATE FUNCTION perfmgmt.set_reason(reason text) RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perfmgmt_set_reason';
COMMENT ON FUNCTION perfmgmt.set_reason(text) IS
'Says why this transaction changes something, for each entry it makes. Error 25P01 without a transaction block.';

CREATE FUNCTION perfmgmt.unaudited_table() RETURNS TABLE (table_name text, reason text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    VALUES ('audit_entry', 'the ledger'), ('audit_head', 'the ledger'),
           ('audit_block', 'the ledger'), ('audit_block_head', 'the ledger'),
           ('access_log', 'written by log_read() alone, as the ledger is by its triggers'),
           ('outbox', 'copies of events for other systems, emptied as they are taken'),
           ('feedback_draft', 'what an author has not submitted; nobody else may read it'),
           ('review_cycle_secret', 'holds a key that nobody may read before the release'),
           ('release_group', 'links a release to authors, and can be destroyed; it is computed from tables that are watched'),
           ('import_employee', 'staging: rows count when the import writes them'),
           ('import_line', 'staging'), ('import_principle_rating', 'staging'),
           ('import_assessment', 'staging'), ('import_accomplishment', 'staging'),
           ('insight_part', 'figures counted from the records, which refresh_insight() counts again'),
           ('insight_cell', 'the same'), ('insight_team', 'the same'), ('insight_step', 'the same'),
           ('import_error', 'rows that an import refused')
$$;
COMMENT ON FUNCTION perfmgmt.unaudited_table() IS
'The tables of the records that no trigger of the ledger watches, with the reason. All others are watched.';

CREATE FUNCTION perfmgmt.author_columns(of_table regclass) RETURNS text[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(array_agg(a.attname::text ORDER BY a.attnum), '{}')
    FROM pg_attribute a
    WHERE a.attrelid = of_table AND a.attnum > 0 AND NOT a.attisdropped
      AND a.attname IN ('rater_id', 'author_id', 'written_by', 'calibrator_id', 'given_by', 'given_at',
                        'assessed_by', 'changed_by', 'changed_at', 'changed_in', 'on_behalf_of', 'submitted_at',
                        'nominated_by', 'nominated_at', 'approved_by', 'answered_at', 'first_submitted_at')
$$;
COMMENT ON FUNCTION perfmgmt.author_columns(regclass) IS
'The columns of a table that say who wrote a row, and when: they go into the authorship of an entry, which can be erased without its content.';

-- The triggers of one table. Run by install() for every table, the partitions
-- of a table included: a direct write to one fires only its own.
CREATE PROCEDURE perfmgmt.watch_table(of_table regclass)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    authors text[] := perfmgmt.author_columns(of_table);
    arguments text := (SELECT string_agg(quote_literal(c), ', ') FROM unnest(authors) c);
    kind "char" := (SELECT c.relkind FROM pg_class c WHERE c.oid = of_table);
    is_new boolean := NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = of_table AND t.tgname = 'audit_insert');
    part record;
BEGIN
    -- an update of the parent would change rows of an heir under the parent's name
    IF EXISTS (SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
               WHERE of_table IN (i.inhrelid, i.inhparent) AND NOT c.relispartition) THEN
        RAISE EXCEPTION 'the ledger cannot watch "%", which inherits or is inherited', of_table
            USING ERRCODE = '0A000', HINT = 'Use partitions, or tables of their own.';
    END IF;
    FOR part IN SELECT * FROM (VALUES
            ('audit_insert', 'INSERT', 'REFERENCING NEW TABLE AS new_rows', 'perfmgmt.audit_capture', arguments),
            ('audit_update', 'UPDATE', 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows', 'perfmgmt.audit_capture', arguments),
            ('audit_delete', 'DELETE', 'REFERENCING OLD TABLE AS old_rows', 'perfmgmt.audit_capture', arguments),
            ('audit_truncate', 'TRUNCATE', '', 'perfmgmt.audit_refuse_truncate', NULL)
        ) AS v(name, event, tables, function_name, args)
        WHERE NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = of_table AND t.tgname = v.name AND t.tgenabled = 'A'
                            AND t.tgnargs = CASE WHEN v.args IS NULL THEN 0 ELSE cardinality(authors) END)
    LOOP
        -- one of ours is made anew; another's of that name is no trigger of the ledger, and an error (42710)
        IF EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = of_table AND t.tgname = part.name AND t.tgfoid = part.function_name::regproc) THEN
            EXECUTE format('DROP TRIGGER %I ON %s', part.name, of_table);
        END IF;
        EXECUTE format('CREATE TRIGGER %I AFTER %s ON %s %s FOR EACH STATEMENT EXECUTE FUNCTION %s(%s)',
                       part.name, part.event, of_table, part.tables, part.function_name, part.args);
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', of_table, part.name);
    END LOOP;
    -- rows from before, once
    IF is_new AND kind = 'r' THEN
        PERFORM perfmgmt.audit_baseline(of_table, authors);
    END IF;
END
$$;
COMMENT ON PROCEDURE perfmgmt.watch_table(regclass) IS
'Makes or repairs the triggers of the ledger on a table; rows that were there before become entries. Errors: 0A000 a table that inherits or is inherited, 42710 another trigger has the name of one of them. Partitions are watched each.';

CREATE PROCEDURE perfmgmt.watch_tables()
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    watched regclass;
BEGIN
    FOR watched IN
        SELECT c.oid FROM pg_class c
        WHERE c.relnamespace = 'perf'::regnamespace AND c.relkind IN ('r', 'p')
          AND c.relname NOT IN (SELECT u.table_name FROM perfmgmt.unaudited_table() u)
        ORDER BY c.relname
    LOOP
        CALL perfmgmt.watch_table(watched);
    END LOOP;
END
$$;
COMMENT ON PROCEDURE perfmgmt.watch_tables() IS
'watch_table() for every table of the records but those of unaudited_table(). Run by install(); run it after adding a table of your own.';

-- Reads ----------------------------------------------------------------------

CREATE FUNCTION perfmgmt.log_read_support(request internal) RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_log_read_support';
COMMENT ON FUNCTION perfmgmt.log_read_support(internal) IS 'Planner support of log_read(): it keeps every row.';

-- The cost puts it behind the other clauses of a policy, which then have
-- decided that the reader may see the row.
CREATE FUNCTION perfmgmt.log_read(relation text, subject int) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
SUPPORT perfmgmt.log_read_support
AS 'MODULE_PATHNAME', 'perfmgmt_log_read';
COMMENT ON FUNCTION perfmgmt.log_read(text, int) IS
'Notes that the actor reads a row about a person in a table of the records ("perf.feedback"): a row of perf.access_log at commit, a line of the server log when the transaction rolls back. Always true; stands in policies. Errors: 25006 in a read-only transaction or on a standby, unless perf.access_rule says server_log; 42P01 no such table; PM006 perfmgmt.on_behalf_of names somebody who did not delegate.';

CREATE FUNCTION perfmgmt.caller_has_role(role_name name) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'perfmgmt_caller_has_role';
COMMENT ON FUNCTION perfmgmt.caller_has_role(name) IS
'Inside a SECURITY DEFINER routine: whether who called it, by SET ROLE or login, has the privileges of a role.';

CREATE FUNCTION perfmgmt.caller_bypasses_row_security() RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'perfmgmt_caller_bypasses_row_security';
COMMENT ON FUNCTION perfmgmt.caller_bypasses_row_security() IS
'Inside a SECURITY DEFINER routine: whether who called it is a superuser or has BYPASSRLS.';

-- Verification ---------------------------------------------------------------

CREATE FUNCTION perfmgmt.audit_verify(
    digest_block bigint, digest_hash bytea, since_block bigint, since_hash bytea,
    OUT entries bigint, OUT unsealed bigint, OUT redacted bigint, OUT blocks bigint,
    OUT broken_table text, OUT broken_subject int, OUT broken_sequence bigint, OUT problem text)
LANGUAGE c STABLE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'perfmgmt_audit_verify';
COMMENT ON FUNCTION perfmgmt.audit_verify(bigint, bytea, bigint, bytea) IS
'Recomputes the ledger, or what came after the block since_block; perf.verify_audit() is for people. Error PM006 for anybody but auditors and the owner of the records.';
