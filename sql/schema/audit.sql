-- audit: the ledger. Its tables belong to perfmgmt_ledger; only the triggers
-- of audit_capture() insert entries. They are made by install() when all tables
-- are there: see perfmgmt.watch_tables().

-- step 1

-- C code knows the columns by their place: new ones only at the end.
CREATE TABLE audit_entry (
    subject int NOT NULL,
    sequence bigint NOT NULL,
    table_name text NOT NULL,
    operation text NOT NULL,
    content bytea,
    authorship bytea,
    content_digest bytea,
    authorship_digest bytea,
    prev_hash bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (subject, sequence),
    CHECK ((content IS NULL) <> (content_digest IS NULL)),
    CHECK ((authorship IS NULL) <> (authorship_digest IS NULL))
);
COMMENT ON TABLE audit_entry IS 'The ledger: what changed, a chain a person. audit_log shows it readable.';
COMMENT ON COLUMN audit_entry.subject IS 'The person (employee_id) whose chain this is; 0: the company.';
COMMENT ON COLUMN audit_entry.sequence IS 'Counts from 1 in each chain, without a gap.';
COMMENT ON COLUMN audit_entry.operation IS 'insert, update, delete; leave and enter: an update gave the row to another person, or the table goes by another name; baseline: a row from before the triggers were made, or before the table had this name; erase: somebody decided to erase parts.';
COMMENT ON COLUMN audit_entry.content IS 'Salt, then in canonical encoding: reason, row before, row after. About the subject.';
COMMENT ON COLUMN audit_entry.authorship IS 'Salt, then in canonical encoding: transaction, time, session user, actor, on whose behalf, columns that name an author.';
COMMENT ON COLUMN audit_entry.content_digest IS 'The salted digest of the content, left when it was erased.';
COMMENT ON COLUMN audit_entry.authorship_digest IS 'The salted digest of the authorship, left when it was erased.';
COMMENT ON COLUMN audit_entry.hash IS 'SHA-256 over header, digests of both parts and prev_hash: perfmgmt.chain_hash().';

-- Updated by every statement that extends a chain, in place where there is room.
-- C code reads and writes it as a heap.
CREATE TABLE audit_head (
    subject int PRIMARY KEY,
    sequence bigint NOT NULL,
    hash bytea NOT NULL
) USING heap WITH (fillfactor = 50);
COMMENT ON TABLE audit_head IS 'The last entry of each chain. Locked to the end of the transaction that extends it.';

CREATE TABLE audit_block (
    block bigint PRIMARY KEY,
    previous_hash bytea NOT NULL,
    entries bigint NOT NULL,
    heads bigint NOT NULL,
    entries_root bytea NOT NULL,
    heads_root bytea NOT NULL,
    sealed_at timestamptz NOT NULL,
    system_identifier bigint NOT NULL,
    timeline int NOT NULL,
    database_oid bigint NOT NULL,
    incarnation int NOT NULL,
    hash bytea NOT NULL
);
COMMENT ON TABLE audit_block IS 'Sealed entries: each block covers what came after the one before, and names its hash.';
COMMENT ON COLUMN audit_block.entries_root IS 'Merkle root of the hashes of the entries, by subject and sequence.';
COMMENT ON COLUMN audit_block.heads_root IS 'Merkle root of the heads that the block sealed (audit_block_head), by subject.';
COMMENT ON COLUMN audit_block.incarnation IS 'Counts up when the ledger goes on in another cluster, timeline or database: after a restore.';

CREATE TABLE audit_block_head (
    block bigint NOT NULL,
    subject int NOT NULL,
    sequence bigint NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (subject, sequence)
);
CREATE INDEX ON audit_block_head (block);
COMMENT ON TABLE audit_block_head IS 'How far a block sealed a chain: from the head of an earlier block, exclusive, to this one.';

DO $$
DECLARE
    ledger text;
BEGIN
    FOREACH ledger IN ARRAY '{audit_entry,audit_head,audit_block,audit_block_head}'::text[] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', ledger);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', ledger);
        EXECUTE format('CREATE POLICY engine ON %I TO perfmgmt_engine USING (true) WITH CHECK (true)', ledger);
        -- entries say who rated whom: who reads them about a person is noted
        EXECUTE format('CREATE POLICY auditor ON %I FOR SELECT TO perfmgmt_auditor USING (has_appointment(''auditor'')%s)', ledger,
                       CASE ledger WHEN 'audit_entry' THEN ' AND (subject = 0 OR log_read(''perf.audit_entry'', subject))' END);
        EXECUTE format('CREATE TRIGGER audit_truncate AFTER TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_truncate()', ledger);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER audit_truncate', ledger);
        EXECUTE format('GRANT SELECT ON %I TO perfmgmt_engine, perfmgmt_auditor', ledger);
    END LOOP;
END
$$;
-- who audits does not read about oneself
CREATE POLICY not_oneself ON audit_entry AS RESTRICTIVE TO perfmgmt_auditor USING (subject <> actor_id());
-- nor the votes of a panel, which are secret to all but HR
CREATE POLICY no_votes ON audit_entry AS RESTRICTIVE TO perfmgmt_auditor USING (table_name <> 'perf.appeal_vote');
-- seal_audit() writes blocks; nobody has a privilege to write entries and heads
GRANT INSERT ON audit_block, audit_block_head TO perfmgmt_engine;
ALTER TABLE audit_entry OWNER TO perfmgmt_ledger;
ALTER TABLE audit_head OWNER TO perfmgmt_ledger;
ALTER TABLE audit_block OWNER TO perfmgmt_ledger;
ALTER TABLE audit_block_head OWNER TO perfmgmt_ledger;

-- Who read whose ratings and authors. C code knows the columns by their place:
-- new ones only at the end. No foreign keys: it outlives whom it names.
CREATE TABLE access_log (
    access_log_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    relation_name text NOT NULL,
    subjects int4multirange NOT NULL,
    people int NOT NULL,
    actor_id int,
    on_behalf_of int,
    session_user_name text NOT NULL,
    transaction_id xid8 NOT NULL,
    read_at timestamptz NOT NULL,
    view_names text[] NOT NULL DEFAULT '{}'
);
CREATE INDEX ON access_log (actor_id, read_at);
CREATE INDEX ON access_log (read_at);
COMMENT ON TABLE access_log IS 'Who read named ratings and authors: a row a transaction, reader and table. Only perfmgmt.log_read() writes it.';
COMMENT ON COLUMN access_log.relation_name IS 'The table that was read: perf.feedback.';
COMMENT ON COLUMN access_log.view_names IS 'The views that the statements named, and those below them: olr.rating; none for who read the table itself.';
COMMENT ON COLUMN access_log.subjects IS 'The people (employee_id) whose rows the statements met, within what the reader may see: at most these were shown.';
COMMENT ON COLUMN access_log.people IS 'How many they are.';
COMMENT ON COLUMN access_log.actor_id IS 'Who read: perfmgmt.actor_id().';
COMMENT ON COLUMN access_log.on_behalf_of IS 'For whom, as the application said in perfmgmt.on_behalf_of; checked against the delegations.';
COMMENT ON COLUMN access_log.session_user_name IS 'The login that was connected.';
COMMENT ON COLUMN access_log.read_at IS 'When the transaction first read the table.';
ALTER TABLE access_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE access_log FORCE ROW LEVEL SECURITY;
CREATE POLICY engine ON access_log TO perfmgmt_engine USING (true) WITH CHECK (true);
CREATE POLICY auditor ON access_log FOR SELECT TO perfmgmt_auditor USING (has_appointment('auditor'));
-- that somebody reads a table about oneself can say what is in it
CREATE POLICY not_oneself ON access_log AS RESTRICTIVE TO perfmgmt_auditor USING (NOT subjects @> actor_id());
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON access_log FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_truncate();
ALTER TABLE access_log ENABLE ALWAYS TRIGGER audit_truncate;
GRANT SELECT ON access_log TO perfmgmt_engine, perfmgmt_auditor;
ALTER TABLE access_log OWNER TO perfmgmt_ledger;

CREATE TABLE access_rule (
    read_only_access text PRIMARY KEY CHECK (read_only_access IN ('refuse', 'server_log'))
);
CREATE UNIQUE INDEX access_rule_is_one_row ON access_rule ((true));
COMMENT ON TABLE access_rule IS 'One row: what happens to reads of named ratings and authors where access_log cannot be written.';
COMMENT ON COLUMN access_rule.read_only_access IS 'refuse: an error in a read-only transaction or on a standby; server_log: a line in the log of the server.';
INSERT INTO access_rule VALUES ('refuse');

CREATE TABLE outbox (
    employee_id int NOT NULL,
    outbox_id bigint GENERATED BY DEFAULT AS IDENTITY UNIQUE,
    event text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}',
    queued_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (employee_id, outbox_id)
);
COMMENT ON TABLE outbox IS 'Events for HR applications: at least once, in order for each person. Rows go when they are taken.';
COMMENT ON COLUMN outbox.employee_id IS 'The person; 0: the company.';
COMMENT ON COLUMN outbox.event IS '<domain>.<what>, such as feedback.requested.';
COMMENT ON COLUMN outbox.detail IS 'What the application needs to act; never an author, a rating or a Focus entry.';
ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
CREATE POLICY engine ON outbox TO perfmgmt_engine USING (true) WITH CHECK (true);

-- replace

GRANT SELECT ON access_rule TO perfmgmt_leader, perfmgmt_hr, perfmgmt_auditor;
GRANT SELECT, UPDATE ON access_rule TO perfmgmt_engine;

CREATE OR REPLACE FUNCTION propose_access_rule(read_only_access text, reason text) RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM require_appointment('hr');
    IF coalesce(propose_access_rule.read_only_access, '') NOT IN ('refuse', 'server_log') THEN
        RAISE EXCEPTION 'unknown rule "%"', propose_access_rule.read_only_access USING ERRCODE = '22023',
            HINT = 'One of: refuse, server_log.';
    END IF;
    RETURN propose_decision('access_rule', NULL, NULL, jsonb_build_object('read_only_access', propose_access_rule.read_only_access), reason);
END
$$;
COMMENT ON FUNCTION propose_access_rule(text, text) IS
'Proposes what happens to reads of named ratings and authors where they cannot be logged in the database: refuse or server_log; returns the decision_id for approve(). HR. Errors: 22023 unknown rule; 22004 no reason; PM006 no appointment.';
GRANT EXECUTE ON FUNCTION propose_access_rule(text, text) TO perfmgmt_hr;

GRANT SELECT, INSERT, UPDATE, DELETE ON outbox TO perfmgmt_engine;
GRANT USAGE ON SEQUENCE outbox_outbox_id_seq TO perfmgmt_engine;

-- The lock of a person makes the numbers follow the order of the commits: who
-- reads a row of a person has seen all with smaller numbers. Who writes about
-- thousands keeps everybody else out instead of taking thousands of locks.
CREATE OR REPLACE FUNCTION queue_events(about_ids int[], event text, detail jsonb DEFAULT '{}') RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
    events int := 'outbox'::regclass::oid::int;
BEGIN
    IF cardinality(about_ids) > 100 THEN
        PERFORM pg_advisory_xact_lock(events, -2);
    ELSE
        PERFORM pg_advisory_xact_lock_shared(events, -2);
        -- Rows, since everybody can read the numbers of advisory locks. In one
        -- order, so that two writers do not wait for each other.
        PERFORM FROM employee e WHERE e.employee_id = ANY (about_ids) ORDER BY e.employee_id FOR NO KEY UPDATE;
        IF 0 = ANY (about_ids) THEN
            PERFORM pg_advisory_xact_lock(events, 0);
        END IF;
    END IF;
    INSERT INTO outbox (employee_id, event, detail)
    SELECT a.about_id, queue_events.event, queue_events.detail FROM (SELECT DISTINCT unnest(about_ids) AS about_id ORDER BY 1) a;
END
$$;
COMMENT ON FUNCTION queue_events(int[], text, jsonb) IS
'Writes the same event about each of these people for HR applications. Only privileged routines call it.';

CREATE OR REPLACE FUNCTION queue_event(about_id int, event text, detail jsonb DEFAULT '{}') RETURNS void
LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
    SELECT queue_events(ARRAY[about_id], queue_event.event, queue_event.detail)
$$;
COMMENT ON FUNCTION queue_event(int, text, jsonb) IS
'Writes an event about a person (0: the company) for HR applications. Only privileged routines call it.';

-- One consumer: a second one would overtake the first. The lock is the session's,
-- since between taking and acknowledging the events are on their way.
CREATE OR REPLACE FUNCTION consume_alone() RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
BEGIN
    IF NOT pg_try_advisory_lock('outbox'::regclass::oid::int, -1) THEN
        RAISE EXCEPTION 'another session takes the events' USING ERRCODE = '55P03',
            HINT = 'There is one consumer, so that events stay in order. Its lock ends with its connection.';
    END IF;
END
$$;
COMMENT ON FUNCTION consume_alone() IS 'Makes the session the one consumer of the outbox until it disconnects; error 55P03 when another one is.';

CREATE OR REPLACE FUNCTION take_events(how_many int DEFAULT 100)
RETURNS TABLE (outbox_id bigint, employee_id int, event text, detail jsonb, queued_at timestamptz)
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
    PERFORM consume_alone();
    RETURN QUERY
    SELECT o.outbox_id, o.employee_id, o.event, o.detail, o.queued_at FROM outbox o ORDER BY o.outbox_id LIMIT how_many;
END
$$;
COMMENT ON FUNCTION take_events(int) IS
'The oldest events of the outbox, in order for each person. They stay until acknowledge_events(), so a consumer that crashed gets them again: at least once. For the one consumer, on a connection of its own: error 55P03 while another session consumes.';

CREATE OR REPLACE FUNCTION acknowledge_events(outbox_ids bigint[]) RETURNS int
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
DECLARE
    removed int;
BEGIN
    PERFORM consume_alone();
    IF EXISTS (SELECT FROM outbox done JOIN outbox earlier ON earlier.employee_id = done.employee_id AND earlier.outbox_id < done.outbox_id
               WHERE done.outbox_id = ANY (outbox_ids) AND earlier.outbox_id <> ALL (outbox_ids)) THEN
        RAISE EXCEPTION 'an earlier event of the same person is not acknowledged' USING ERRCODE = '22023',
            HINT = 'Acknowledge in the order in which take_events() gave them.';
    END IF;
    DELETE FROM outbox o WHERE o.outbox_id = ANY (outbox_ids);
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$$;
COMMENT ON FUNCTION acknowledge_events(bigint[]) IS
'Removes events that the consumer has dealt with; returns how many. Errors: 55P03 another session consumes; 22023 an earlier event of the same person would come after a later one.';
GRANT USAGE ON SCHEMA perf TO perfmgmt_app;
GRANT EXECUTE ON FUNCTION take_events(int), acknowledge_events(bigint[]) TO perfmgmt_app;

CREATE OR REPLACE FUNCTION set_reason(reason text) RETURNS void
LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
    SELECT perfmgmt.set_reason(set_reason.reason)
$$;
COMMENT ON FUNCTION set_reason(text) IS
'Says why this transaction changes something: goes into each entry of the ledger it makes. Error 25P01 without a transaction block.';

GRANT EXECUTE ON FUNCTION set_reason(text) TO perfmgmt_leader, perfmgmt_hr;

-- OFFSET 0: each part is decoded once, not for each column
CREATE OR REPLACE VIEW audit_log WITH (security_invoker = true) AS
SELECT e.subject, e.sequence,
       (a.document ->> 'recorded_at')::timestamptz AS recorded_at,
       (a.document ->> 'actor')::int AS actor_id,
       a.document ->> 'session_user' AS session_user_name,
       (a.document ->> 'on_behalf_of')::int AS on_behalf_of,
       (a.document ->> 'transaction')::xid8 AS transaction_id,
       e.table_name, e.operation,
       c.document ->> 'reason' AS reason,
       nullif(c.document -> 'before', 'null') AS row_before,
       nullif(c.document -> 'after', 'null') AS row_after,
       nullif(a.document -> 'before', 'null') AS author_before,
       nullif(a.document -> 'after', 'null') AS author_after,
       e.content IS NULL AS content_is_erased,
       e.authorship IS NULL AS authorship_is_erased,
       e.hash
FROM audit_entry e
CROSS JOIN LATERAL (SELECT audit_content(e.content) AS document OFFSET 0) c
CROSS JOIN LATERAL (SELECT audit_authorship(e.authorship) AS document OFFSET 0) a;
COMMENT ON VIEW audit_log IS 'The ledger, readable: for auditors.';
COMMENT ON COLUMN audit_log.subject IS 'The person (employee_id) whose chain this is; 0: the company.';
COMMENT ON COLUMN audit_log.sequence IS 'Place in the chain, from 1.';
COMMENT ON COLUMN audit_log.recorded_at IS 'When the statement wrote; never runs backwards in a chain but with the clock.';
COMMENT ON COLUMN audit_log.actor_id IS 'Who acted: perfmgmt.actor_id().';
COMMENT ON COLUMN audit_log.session_user_name IS 'The login that was connected.';
COMMENT ON COLUMN audit_log.on_behalf_of IS 'For whom the actor acted, as the application said in perfmgmt.on_behalf_of.';
COMMENT ON COLUMN audit_log.transaction_id IS 'The transaction that wrote.';
COMMENT ON COLUMN audit_log.table_name IS 'The table that changed.';
COMMENT ON COLUMN audit_log.operation IS 'insert, update, delete, leave, enter, baseline or erase: see audit_entry.';
COMMENT ON COLUMN audit_log.reason IS 'What set_reason() said.';
COMMENT ON COLUMN audit_log.row_before IS 'The deleted row; for an update the columns that changed, as they were.';
COMMENT ON COLUMN audit_log.row_after IS 'The row as it was written.';
COMMENT ON COLUMN audit_log.author_before IS 'Columns that name an author, as row_before.';
COMMENT ON COLUMN audit_log.author_after IS 'Columns that name an author, as row_after.';
COMMENT ON COLUMN audit_log.content_is_erased IS 'Somebody decided to erase what the entry said about the subject.';
COMMENT ON COLUMN audit_log.authorship_is_erased IS 'Somebody decided to erase who wrote it, and when.';
COMMENT ON COLUMN audit_log.hash IS 'SHA-256 of the entry and all before it in the chain.';
GRANT SELECT ON audit_log TO perfmgmt_auditor;

-- One statement, so one snapshot: what it sees of each chain has no gap, since
-- a head is locked until the entries before are committed.
CREATE OR REPLACE FUNCTION seal_audit() RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
DECLARE
    sealed bigint;
    found_entries bigint;
    covered_entries bigint;
BEGIN
    PERFORM require_appointment('auditor', true);
    IF NOT pg_try_advisory_xact_lock(hashtext('perfmgmt.seal_audit')) THEN
        RAISE EXCEPTION 'another session seals the ledger'
            USING ERRCODE = '55P03', HINT = 'Try again when it has committed.';
    END IF;
    WITH covered AS MATERIALIZED (
        SELECT h.subject, coalesce(s.sequence, 0) AS since, h.sequence, h.hash
        FROM audit_head h
        LEFT JOIN LATERAL (SELECT b.sequence FROM audit_block_head b WHERE b.subject = h.subject
                           ORDER BY b.sequence DESC LIMIT 1) s ON true
        WHERE h.sequence > coalesce(s.sequence, 0)
    ), entry AS (
        SELECT count(*) AS n, merkle_tree(e.hash ORDER BY e.subject, e.sequence) AS root
        FROM covered c JOIN audit_entry e ON e.subject = c.subject AND e.sequence > c.since AND e.sequence <= c.sequence
    ), head AS (
        SELECT count(*) AS n, sum(c.sequence - c.since) AS entries,
               merkle_tree(int4send(c.subject) || int8send(c.sequence) || c.hash ORDER BY c.subject) AS root
        FROM covered c
    ), place AS (
        -- the control file learns of a new timeline with the next checkpoint only
        SELECT s.system_identifier, ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int AS timeline,
               d.oid::bigint AS database_oid, clock_timestamp() AS sealed_at
        FROM pg_control_system() s, pg_database d WHERE d.datname = current_database()
    ), block AS (
        SELECT coalesce(l.block, 0) + 1 AS block, coalesce(l.hash, decode(repeat('00', 32), 'hex')) AS previous_hash,
               e.n AS entries, h.n AS heads, e.root AS entries_root, h.root AS heads_root,
               p.sealed_at, p.system_identifier, p.timeline, p.database_oid,
               CASE WHEN l.block IS NULL THEN 1
                    WHEN (l.system_identifier, l.timeline, l.database_oid) = (p.system_identifier, p.timeline, p.database_oid)
                    THEN l.incarnation ELSE l.incarnation + 1 END AS incarnation,
               h.entries AS expected
        FROM entry e CROSS JOIN head h CROSS JOIN place p
        LEFT JOIN (SELECT * FROM audit_block ORDER BY block DESC LIMIT 1) l ON true
        WHERE h.n > 0
    ), written AS (
        INSERT INTO audit_block (block, previous_hash, entries, heads, entries_root, heads_root, sealed_at,
                                 system_identifier, timeline, database_oid, incarnation, hash)
        SELECT b.block, b.previous_hash, b.entries, b.heads, b.entries_root, b.heads_root, b.sealed_at,
               b.system_identifier, b.timeline, b.database_oid, b.incarnation,
               block_hash(b.block, b.previous_hash, b.entries, b.heads, b.entries_root, b.heads_root, b.sealed_at,
                          b.system_identifier, b.timeline, b.database_oid, b.incarnation)
        FROM block b
    ), heads_written AS (
        INSERT INTO audit_block_head (block, subject, sequence, hash)
        SELECT b.block, c.subject, c.sequence, c.hash FROM block b CROSS JOIN covered c
    )
    SELECT b.block, b.entries, b.expected INTO sealed, found_entries, covered_entries FROM block b;
    IF found_entries <> covered_entries AND current_setting('transaction_isolation') <> 'read committed' THEN
        -- own entries, after some of others that its snapshot does not show
        RAISE EXCEPTION 'the ledger went on since this transaction began'
            USING ERRCODE = '40001', HINT = 'Seal in a transaction of its own.';
    END IF;
    IF found_entries <> covered_entries THEN
        RAISE EXCEPTION 'entries of the ledger are missing'
            USING ERRCODE = 'XX001',
                  DETAIL = format('The heads promise %s entries, %s are there.', covered_entries, found_entries),
                  HINT = 'Run perf.verify_audit().';
    END IF;
    RETURN sealed;
END
$$;
COMMENT ON FUNCTION seal_audit() IS
'Seals the entries since the last block into a new one, and returns its number; NULL when there are none. For auditors and the owner of the records, by hand or by a scheduler. Errors: 55P03 somebody else is sealing; XX001 entries are missing; 40001 a transaction that is not READ COMMITTED and wrote before does not see all.';

CREATE OR REPLACE FUNCTION audit_digest() RETURNS json
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM require_appointment('auditor', true);
    RETURN (SELECT json_build_object('format', 'perfmgmt-audit-1', 'block', b.block, 'hash', encode(b.hash, 'hex'),
                                     'sealed_at', to_char(b.sealed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                                     'system_identifier', b.system_identifier::text, 'timeline', b.timeline,
                                     'incarnation', b.incarnation)
            FROM audit_block b ORDER BY b.block DESC LIMIT 1);
END
$$;
COMMENT ON FUNCTION audit_digest() IS
'What to keep outside the database: number and hash of the last block, which stand for everything sealed up to it. NULL before the first block. For auditors and the owner of the records.';

-- what audit_digest() gave, and nothing else
CREATE OR REPLACE FUNCTION check_digest(digest json) RETURNS void
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
    IF digest ->> 'format' IS DISTINCT FROM 'perfmgmt-audit-1' OR digest ->> 'block' IS NULL OR digest ->> 'hash' IS NULL THEN
        RAISE EXCEPTION 'not a digest of the ledger'
            USING ERRCODE = '22023', HINT = 'Pass what audit_digest() gave.';
    END IF;
END
$$;
COMMENT ON FUNCTION check_digest(json) IS 'Error 22023 for what is no digest of audit_digest().';

CREATE OR REPLACE FUNCTION verify_audit(
    digest json DEFAULT NULL, since json DEFAULT NULL,
    OUT status text, OUT entries bigint, OUT unsealed bigint, OUT redacted bigint, OUT blocks bigint, OUT anchored_blocks bigint,
    OUT broken_table text, OUT broken_subject int, OUT broken_sequence bigint, OUT problem text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM check_digest(digest), check_digest(since);
    SELECT v.entries, v.unsealed, v.redacted, v.blocks, v.broken_table, v.broken_subject, v.broken_sequence, v.problem
    INTO entries, unsealed, redacted, blocks, broken_table, broken_subject, broken_sequence, problem
    FROM audit_verify((digest ->> 'block')::bigint, decode(digest ->> 'hash', 'hex'),
                      (since ->> 'block')::bigint, decode(since ->> 'hash', 'hex')) v;
    anchored_blocks := CASE WHEN problem IS NULL THEN coalesce(greatest((digest ->> 'block')::bigint, (since ->> 'block')::bigint), 0) ELSE 0 END;
    status := CASE WHEN problem IS NOT NULL THEN 'broken' WHEN anchored_blocks = 0 THEN 'unanchored' ELSE 'anchored_ok' END;
END
$$;
COMMENT ON FUNCTION verify_audit(json, json) IS
'Recomputes the whole ledger. anchored_ok: consistent, and proven against the digest up to anchored_blocks; unanchored: consistent, which somebody who can rewrite everything could also arrange; broken: with the first break. With since, an older digest that was verified then, only what came after its block is read, by the index: all blocks and sealed heads are still checked, the last entry of each chain that the block sealed, and everything after. Not checked then: the entries before that last one, whether they are there, unchanged, or erased in part; and what is in the table and not in its index. entries, unsealed and redacted then count what came after. pg_stat_activity.application_name shows how far it is. Errors: 22023 no digest; PM006 for anybody but auditors and the owner of the records.';
GRANT EXECUTE ON FUNCTION verify_audit(json, json), check_digest(json), audit_digest(), seal_audit() TO perfmgmt_auditor;

-- The last state of each row of a table that the ledger knows: NULL when it was
-- deleted. A row is known by its primary key; one whose key was erased with its
-- author is not known any more.
CREATE OR REPLACE FUNCTION ledger_rows(of_table text, of_subject int DEFAULT NULL, at timestamptz DEFAULT 'infinity')
RETURNS TABLE (subject int, sequence bigint, row_key jsonb, document jsonb)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
    WITH key_column AS MATERIALIZED (
        SELECT array_agg(a.attname::text) AS names
        FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
        WHERE i.indrelid = to_regclass(of_table) AND i.indisprimary
    ), event AS (
        SELECT e.subject, e.sequence, e.operation, a.document ->> 'recorded_at' AS recorded_at,
               coalesce(nullif(c.document -> 'before', 'null'), '{}') || coalesce(nullif(a.document -> 'before', 'null'), '{}') AS old,
               nullif(c.document -> 'after', 'null') || coalesce(nullif(a.document -> 'after', 'null'), '{}') AS new
        FROM audit_entry e
        CROSS JOIN LATERAL (SELECT audit_content(e.content) AS document OFFSET 0) c
        CROSS JOIN LATERAL (SELECT audit_authorship(e.authorship) AS document OFFSET 0) a
        WHERE e.table_name = of_table AND (of_subject IS NULL OR e.subject = of_subject)
          AND e.content IS NOT NULL
    ), part AS (
        -- what the row was called before is gone, unless it is called so again
        SELECT e.subject, e.sequence, e.recorded_at, 1 AS part, coalesce(e.new, '{}') || e.old AS named, NULL::jsonb AS document
        FROM event e WHERE e.operation IN ('update', 'delete', 'leave')
        UNION ALL
        SELECT e.subject, e.sequence, e.recorded_at, 2, e.new, e.new FROM event e WHERE e.new IS NOT NULL
    ), keyed AS (
        SELECT p.subject, p.sequence, p.recorded_at, p.part, p.document,
               (SELECT jsonb_object_agg(n, p.named -> n) FROM unnest(k.names) n) AS row_key
        FROM part p CROSS JOIN key_column k
        WHERE p.named ?& k.names AND coalesce(p.recorded_at::timestamptz, '-infinity') <= at
    )
    -- In a chain the last entry is the one with the greatest number, whatever the clock
    -- said. Among chains a row is where it did not leave.
    SELECT DISTINCT ON (l.row_key) l.subject, l.sequence, l.row_key, l.document
    FROM (SELECT DISTINCT ON (k.row_key, k.subject) k.* FROM keyed k
          ORDER BY k.row_key, k.subject, k.sequence DESC, k.part DESC) l
    ORDER BY l.row_key, l.document IS NULL, l.recorded_at::timestamptz DESC NULLS LAST, l.sequence DESC
$$;
COMMENT ON FUNCTION ledger_rows(text, int, timestamptz) IS
'The rows of a table ("perf.goal") as the ledger knew them at a time, for one person or all: primary key, row (NULL: deleted), and the entry that says so.';

CREATE OR REPLACE FUNCTION as_of(of_table text, employee_id int, at timestamptz)
RETURNS TABLE (document jsonb)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
    SELECT r.document FROM ledger_rows(of_table, as_of.employee_id, as_of.at) r WHERE r.document IS NOT NULL ORDER BY r.row_key
$$;
COMMENT ON FUNCTION as_of(text, int, timestamptz) IS
'A person''s rows of a table ("perf.goal"; person 0: rows about nobody) as they were known at a time. For auditors, not about oneself.';

CREATE OR REPLACE FUNCTION history(of_table text, employee_id int)
RETURNS TABLE (sequence bigint, recorded_at timestamptz, actor_id int, operation text, reason text, row_before jsonb, row_after jsonb)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
    SELECT l.sequence, l.recorded_at, l.actor_id, l.operation, l.reason,
           l.row_before || coalesce(l.author_before, '{}'), l.row_after || coalesce(l.author_after, '{}')
    FROM audit_log l WHERE l.subject = history.employee_id AND l.table_name = of_table ORDER BY l.sequence
$$;
COMMENT ON FUNCTION history(text, int) IS
'What happened to a person''s rows of a table ("perf.goal"), in order. For auditors, not about oneself.';

CREATE OR REPLACE FUNCTION reconcile_audit()
RETURNS TABLE (table_name text, subject int, sequence bigint, row_key jsonb, problem text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    watched record;
BEGIN
    PERFORM require_appointment('auditor', true);
    RETURN QUERY
        SELECT e.table_name, NULL::int, NULL::bigint, NULL::jsonb, 'the table is missing, with rows that nobody deleted'::text
        FROM audit_entry e
        WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = 'perf'::regnamespace AND format('perf.%s', c.relname) = e.table_name)
        GROUP BY e.table_name
        HAVING count(*) FILTER (WHERE e.operation IN ('insert', 'enter', 'baseline')) > count(*) FILTER (WHERE e.operation IN ('delete', 'leave'))
        ORDER BY e.table_name;
    FOR watched IN
        SELECT format('perf.%s', c.relname) AS name, c.oid::regclass AS relation,
               (SELECT array_agg(a.attname::text) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
                WHERE i.indrelid = c.oid AND i.indisprimary) AS key_names
        FROM pg_class c
        WHERE c.relnamespace = 'perf'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
          AND c.relname NOT IN (SELECT u.table_name FROM unaudited_table() u)
        ORDER BY c.relname
    LOOP
        IF watched.key_names IS NULL THEN
            RETURN QUERY SELECT watched.name, NULL::int, NULL::bigint, NULL::jsonb, 'the table has no primary key and was not compared'::text;
            CONTINUE;
        END IF;
        IF NOT has_table_privilege(watched.relation, 'SELECT') THEN
            RETURN QUERY SELECT watched.name, NULL::int, NULL::bigint, NULL::jsonb, 'the table cannot be read and was not compared'::text;
            CONTINUE;
        END IF;
        RETURN QUERY EXECUTE format($compare$
            SELECT %1$L::text, coalesce(l.subject, (t.document ->> 'employee_id')::int, 0), l.sequence,
                   -- a key can name who wrote: nobody sees that of the own rows
                   CASE WHEN coalesce(l.subject, (t.document ->> 'employee_id')::int, 0) IS DISTINCT FROM actor_id() THEN coalesce(l.row_key, t.row_key) END,
                   CASE WHEN l.document IS NULL THEN 'the row is not in the ledger'
                        WHEN t.document IS NULL THEN 'the row is missing'
                        ELSE 'the row is not as the ledger says' END
            FROM ledger_rows(%1$L) l
            FULL JOIN (SELECT (SELECT jsonb_object_agg(n, d.document -> n) FROM unnest(%3$L::text[]) n) AS row_key, d.document
                       FROM %2$s r CROSS JOIN LATERAL (SELECT canonical_row_json(r) AS document OFFSET 0) d) t USING (row_key)
            WHERE (l.document IS NULL) <> (t.document IS NULL)
               -- a column that came later or is gone is no difference
               OR EXISTS (SELECT FROM jsonb_each(l.document) c WHERE t.document ? c.key AND t.document -> c.key <> c.value)
            ORDER BY 2, 4$compare$, watched.name, watched.relation, watched.key_names);
    END LOOP;
END
$$;
COMMENT ON FUNCTION reconcile_audit() IS
'Where the tables differ from what the ledger says of them: rows changed with the triggers off. No rows: none. For auditors and the owner of the records.';
GRANT EXECUTE ON FUNCTION as_of(text, int, timestamptz), history(text, int), ledger_rows(text, int, timestamptz), reconcile_audit() TO perfmgmt_auditor;

CREATE OR REPLACE FUNCTION audit_inclusion(subject int, sequence bigint) RETURNS json
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    auditor_id int := require_appointment('auditor', true);
    in_block bigint;
    hashes bytea[];
    place bigint;
BEGIN
    -- what the policies of audit_entry hide, and note
    IF NOT EXISTS (SELECT FROM audit_entry e
                   WHERE e.subject = audit_inclusion.subject AND e.sequence = audit_inclusion.sequence
                     AND (auditor_id IS NULL OR (e.subject <> auditor_id AND e.table_name <> 'perf.appeal_vote'))) THEN
        RETURN NULL;
    END IF;
    PERFORM log_read('perf.audit_entry', audit_inclusion.subject) WHERE auditor_id IS NOT NULL AND audit_inclusion.subject <> 0;
    SELECT h.block INTO in_block FROM audit_block_head h
    WHERE h.subject = audit_inclusion.subject AND h.sequence >= audit_inclusion.sequence ORDER BY h.sequence LIMIT 1;
    SELECT array_agg(e.hash ORDER BY e.subject, e.sequence),
           count(*) FILTER (WHERE (e.subject, e.sequence) < (audit_inclusion.subject, audit_inclusion.sequence))
    INTO hashes, place
    FROM audit_block_head h
    JOIN LATERAL (SELECT coalesce(max(b.sequence), 0) AS since FROM audit_block_head b
                  WHERE b.subject = h.subject AND b.sequence < h.sequence) s ON true
    JOIN audit_entry e ON e.subject = h.subject AND e.sequence > s.since AND e.sequence <= h.sequence
    WHERE h.block = in_block;
    RETURN (SELECT json_build_object('format', 'perfmgmt-inclusion-1', 'subject', e.subject, 'sequence', e.sequence,
                                     'table_name', e.table_name, 'operation', e.operation,
                                     'content_digest', encode(coalesce(e.content_digest, part_digest('content', e.content)), 'hex'),
                                     'authorship_digest', encode(coalesce(e.authorship_digest, part_digest('authorship', e.authorship)), 'hex'),
                                     'prev_hash', encode(e.prev_hash, 'hex'),
                                     'hash', encode(e.hash, 'hex'), 'leaf_index', place, 'tree_size', cardinality(hashes),
                                     'path', (SELECT coalesce(json_agg(encode(p.node, 'hex') ORDER BY p.n), '[]')
                                              FROM unnest(merkle_path(hashes, place)) WITH ORDINALITY p(node, n)),
                                     'block', b.block, 'entries_root', encode(b.entries_root, 'hex'))
            FROM audit_entry e JOIN audit_block b ON b.block = in_block
            WHERE e.subject = audit_inclusion.subject AND e.sequence = audit_inclusion.sequence);
END
$$;
COMMENT ON FUNCTION audit_inclusion(int, bigint) IS
'Proves that an entry is in its block, to somebody who has the block and not the ledger: what its hash is made of, with the salted digests of its parts, and the nodes beside its way to entries_root, as in RFC 6962. NULL while it is not sealed, and where the auditor may not see the entry. For auditors and the owner of the records.';

CREATE OR REPLACE FUNCTION audit_consistency(since_block bigint DEFAULT 0) RETURNS json
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM require_appointment('auditor', true);
    RETURN (SELECT json_agg(json_build_object(
                'block', b.block, 'previous_hash', encode(b.previous_hash, 'hex'), 'entries', b.entries, 'heads', b.heads,
                'entries_root', encode(b.entries_root, 'hex'), 'heads_root', encode(b.heads_root, 'hex'),
                'sealed_at', (extract(epoch FROM b.sealed_at) * 1000000)::bigint - 946684800000000,
                'system_identifier', b.system_identifier::text, 'timeline', b.timeline, 'database_oid', b.database_oid,
                'incarnation', b.incarnation, 'hash', encode(b.hash, 'hex')) ORDER BY b.block)
            FROM audit_block b WHERE b.block > since_block);
END
$$;
COMMENT ON FUNCTION audit_consistency(bigint) IS
'Proves that a newer digest continues an older one: the blocks between, each with the hash of the one before and everything its own hash is made of. NULL when there are none. For auditors and the owner of the records.';
GRANT EXECUTE ON FUNCTION audit_inclusion(int, bigint), audit_consistency(bigint) TO perfmgmt_auditor;
