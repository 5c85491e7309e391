-- What bench/ledger compares: one table, the shape of principle_rating without
-- its foreign keys, which would hide the difference; and what people do to audit
-- it. Variable people: how many there are, all of whom have a chain already.

DROP SCHEMA IF EXISTS ledger_bench CASCADE;
DROP TABLE IF EXISTS perf.ledger_bench;
CREATE SCHEMA ledger_bench;
SET search_path = ledger_bench, public;

CREATE TABLE unaudited (
    employee_id int, review_cycle_id int, rater_id int, relation text, scores smallint[], level_rank int, comment text, manager_chain int[],
    PRIMARY KEY (employee_id, review_cycle_id, rater_id));
CREATE INDEX ON unaudited (rater_id);
CREATE INDEX ON unaudited USING gin (manager_chain);
CREATE SEQUENCE rater START 1000000000;

-- n ratings, eight a person
CREATE FUNCTION ratings(n int) RETURNS SETOF unaudited LANGUAGE sql AS $$
    SELECT 1 + i / 8, 1, 100000000 + i, 'peer', '{1,2,3,4,5,1,2,3,4,5,1,2,3,4,5,1}'::smallint[], 3, NULL::text, ARRAY[2000000 + i % 1000, 3, 2, 1]
    FROM generate_series(0, n - 1) i $$;

-- perfmgmt -------------------------------------------------------------------

CREATE TABLE perf.ledger_bench (LIKE unaudited INCLUDING ALL);
CALL perfmgmt.watch_table('perf.ledger_bench');

-- Hashing alone: a statement trigger writes the row in the encoding of the ledger
-- with salt and digest, into a table with the same index; no chain, no lock.
CREATE TABLE hash_only (LIKE unaudited INCLUDING ALL);
CREATE TABLE hash_only_log (
    subject int, sequence bigint GENERATED ALWAYS AS IDENTITY, table_name text, operation text, at timestamptz, session_user_name text,
    content bytea, hash bytea, PRIMARY KEY (subject, sequence));
CREATE FUNCTION hash_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO hash_only_log (subject, table_name, operation, at, session_user_name, content, hash)
    SELECT c.subject, 'perf.hash_only', 'insert', now(), session_user, c.content, perfmgmt.part_digest('content', c.content)
    FROM (SELECT r.employee_id AS subject, uuid_send(gen_random_uuid()) || perfmgmt.canonical_row(r) AS content FROM new_rows r OFFSET 0) c;
    RETURN NULL;
END
$$ SET search_path = ledger_bench, pg_catalog;
CREATE TRIGGER log AFTER INSERT ON hash_only REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION hash_only();

-- What people write -------------------------------------------------------------

-- rows as jsonb, no hash
CREATE TABLE jsonb_log (
    log_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, table_name text, operation text, at timestamptz, session_user_name text,
    subject int, row_before jsonb, row_after jsonb, prev_hash bytea, hash bytea);
CREATE INDEX ON jsonb_log (subject, log_id);
CREATE TABLE jsonb_rows (LIKE unaudited INCLUDING ALL);
CREATE FUNCTION jsonb_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO jsonb_log (table_name, operation, at, session_user_name, subject, row_after)
    VALUES (TG_TABLE_NAME, TG_OP, now(), session_user, NEW.employee_id, to_jsonb(NEW));
    RETURN NULL;
END
$$ SET search_path = ledger_bench, pg_catalog;
CREATE TRIGGER log AFTER INSERT ON jsonb_rows FOR EACH ROW EXECUTE FUNCTION jsonb_rows();

-- the same with a chain of hashes: a person's, or one for all (person 0)
CREATE TABLE chain_head (subject int PRIMARY KEY, hash bytea NOT NULL) WITH (fillfactor = 50);
CREATE TABLE person_chain (LIKE unaudited INCLUDING ALL);
CREATE TABLE global_chain (LIKE unaudited INCLUDING ALL);
CREATE FUNCTION chain_rows() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    chain int := CASE TG_TABLE_NAME WHEN 'person_chain' THEN NEW.employee_id ELSE 0 END;
    prev bytea;
    document jsonb := to_jsonb(NEW);
    new_hash bytea;
BEGIN
    SELECT h.hash INTO prev FROM chain_head h WHERE h.subject = chain FOR NO KEY UPDATE;
    new_hash := sha256(coalesce(prev, '') || convert_to(document::text, 'UTF8'));
    INSERT INTO jsonb_log (table_name, operation, at, session_user_name, subject, row_after, prev_hash, hash)
    VALUES (TG_TABLE_NAME, TG_OP, now(), session_user, chain, document, prev, new_hash);
    IF prev IS NULL THEN
        INSERT INTO chain_head VALUES (chain, new_hash);
    ELSE
        UPDATE chain_head h SET hash = new_hash WHERE h.subject = chain;
    END IF;
    RETURN NULL;
END
$$ SET search_path = ledger_bench, pg_catalog;
CREATE TRIGGER log AFTER INSERT ON person_chain FOR EACH ROW EXECUTE FUNCTION chain_rows();
CREATE TRIGGER log AFTER INSERT ON global_chain FOR EACH ROW EXECUTE FUNCTION chain_rows();

-- The trigger extension of Debian's package postgresql-N-tablelog, if it is there.
SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'table_log') AS has_table_log \gset
\if :has_table_log
CREATE EXTENSION IF NOT EXISTS table_log SCHEMA public;
CREATE TABLE table_log (LIKE unaudited INCLUDING ALL);
CREATE TABLE table_log_log (LIKE unaudited, trigger_mode varchar(10), trigger_tuple varchar(5), trigger_changed timestamptz,
                            trigger_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY);
CREATE TRIGGER log AFTER INSERT ON table_log FOR EACH ROW EXECUTE FUNCTION table_log_basic('table_log_log', 0, 'ledger_bench');
\endif

-- Everybody has a head, as every employee has.
INSERT INTO chain_head SELECT n, sha256(int4send(n)) FROM generate_series(0, :people) n;
INSERT INTO perf.ledger_bench SELECT p, 0, 0, 'peer', '{}', 1, NULL, '{}' FROM generate_series(1, :people) p;
DELETE FROM perf.ledger_bench;
VACUUM (ANALYZE) perf.ledger_bench, perf.audit_entry, perf.audit_head, chain_head;
CHECKPOINT;
