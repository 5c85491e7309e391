-- The ledger and the company's own tables: partitions, inheritance, foreign keys
-- that cascade, columns that come and go, odd types, transactions of every kind.
BEGIN;
SELECT no_plan();
SET LOCAL search_path = public, perf, perfmgmt, pg_catalog;

CREATE FUNCTION pg_temp.entries(named text) RETURNS SETOF text LANGUAGE sql AS
    $$SELECT concat_ws(' ', subject, operation, row_before - 'employee_id', '>', row_after - 'employee_id')
      FROM perf.audit_log WHERE table_name = named ORDER BY subject, sequence$$;
-- what came since the last question
CREATE TEMP TABLE seen (table_name text, entry text, n int);
CREATE FUNCTION pg_temp.news(named text) RETURNS SETOF text LANGUAGE sql AS $$
    WITH now AS (SELECT e, row_number() OVER (PARTITION BY e)::int AS n FROM pg_temp.entries(named) e),
         fresh AS (SELECT e, n FROM now EXCEPT SELECT entry, s.n FROM seen s WHERE s.table_name = named),
         noted AS (INSERT INTO seen SELECT named, e, n FROM fresh)
    SELECT e FROM fresh ORDER BY e, n$$;
CREATE FUNCTION pg_temp.differences() RETURNS SETOF text LANGUAGE sql AS
    $$SELECT concat_ws(' ', table_name, row_key, problem) FROM perf.reconcile_audit()$$;

-- A partitioned table -------------------------------------------------------

CREATE TABLE perf.bonus (employee_id int, year int, note text, PRIMARY KEY (employee_id, year)) PARTITION BY LIST (year);
CREATE TABLE perf.bonus_1 PARTITION OF perf.bonus FOR VALUES IN (1);
-- another order of columns, and one that is gone
CREATE TABLE perf.bonus_2 (note text, gone int, year int NOT NULL, employee_id int NOT NULL);
ALTER TABLE perf.bonus_2 DROP COLUMN gone;
ALTER TABLE perf.bonus ATTACH PARTITION perf.bonus_2 FOR VALUES IN (2);
CALL perfmgmt.watch_tables();
SELECT results_eq('SELECT pg_temp.differences()', $$VALUES ('perf.bonus the table cannot be read and was not compared')$$,
                  'a table that nobody may compare is named');
GRANT SELECT ON perf.bonus TO perfmgmt_engine;

INSERT INTO perf.bonus VALUES (8, 1, 'a'), (8, 2, 'b'), (9, 2, 'c');
SELECT results_eq($$SELECT pg_temp.news('perf.bonus')$$, $$VALUES
    ('8 insert > {"note": "a", "year": 1}'), ('8 insert > {"note": "b", "year": 2}'), ('9 insert > {"note": "c", "year": 2}')$$,
    'through the parent: each row once, under the name of the whole');
INSERT INTO perf.bonus_1 VALUES (9, 1, 'd');
COPY perf.bonus_2 (employee_id, year, note) FROM stdin;
10	2	e
\.
UPDATE perf.bonus_2 SET note = 'E' WHERE employee_id = 10;
DELETE FROM perf.bonus_1 WHERE employee_id = 9;
SELECT results_eq($$SELECT pg_temp.news('perf.bonus')$$, $$VALUES
    ('10 insert > {"note": "e", "year": 2}'), ('10 update {"note": "e"} > {"note": "E", "year": 2}'),
    ('9 delete {"note": "d", "year": 1} >'), ('9 insert > {"note": "d", "year": 1}')$$, 'and directly into a partition');
UPDATE perf.bonus SET year = 1, note = note || '!' WHERE employee_id IN (9, 10);
SELECT results_eq($$SELECT pg_temp.news('perf.bonus')$$, $$VALUES
    ('10 update {"note": "E", "year": 2} > {"note": "E!", "year": 1}'), ('9 update {"note": "c", "year": 2} > {"note": "c!", "year": 1}')$$,
    'rows that move to another partition: one update each');
UPDATE perf.bonus SET year = 3 - year, employee_id = employee_id + 2 WHERE employee_id IN (9, 10);
SELECT results_eq($$SELECT pg_temp.news('perf.bonus')$$, $$VALUES
    ('10 leave {"note": "E!", "year": 1} >'), ('11 enter > {"note": "c!", "year": 2}'),
    ('12 enter > {"note": "E!", "year": 2}'), ('9 leave {"note": "c!", "year": 1} >')$$, 'and to another person');
INSERT INTO perf.bonus VALUES (8, 2, 'x') ON CONFLICT DO NOTHING;
MERGE INTO perf.bonus b USING (VALUES (77, 1)) v(e, y) ON (b.employee_id, b.year) = (v.e, v.y) WHEN MATCHED THEN DELETE;
SELECT is_empty($$SELECT pg_temp.news('perf.bonus')$$, 'ON CONFLICT and MERGE that do nothing are no entry');
INSERT INTO perf.bonus VALUES (8, 2, 'x'), (13, 1, 'n') ON CONFLICT (employee_id, year) DO UPDATE SET note = excluded.note;
MERGE INTO perf.bonus b USING (VALUES (8, 1), (8, 2), (14, 2)) v(e, y) ON (b.employee_id, b.year) = (v.e, v.y)
    WHEN MATCHED AND v.y = 1 THEN DELETE WHEN MATCHED THEN UPDATE SET note = 'm' WHEN NOT MATCHED THEN INSERT VALUES (v.e, v.y, 'new');
SELECT results_eq($$SELECT pg_temp.news('perf.bonus')$$, $$VALUES
    ('13 insert > {"note": "n", "year": 1}'), ('14 insert > {"note": "new", "year": 2}'), ('8 delete {"note": "a", "year": 1} >'),
    ('8 update {"note": "b"} > {"note": "x", "year": 2}'), ('8 update {"note": "x"} > {"note": "m", "year": 2}')$$, 'what they do is one entry each');
SELECT throws_ok('TRUNCATE perf.bonus', '0A000', NULL, 'TRUNCATE of the whole');
SELECT throws_ok('TRUNCATE perf.bonus_1', '0A000', NULL, 'and of a partition is refused');

-- a trigger that drops rows on their way to another partition
CREATE FUNCTION pg_temp.drop_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER drop_row BEFORE INSERT ON perf.bonus_1 FOR EACH ROW EXECUTE FUNCTION pg_temp.drop_row();
SELECT throws_ok('UPDATE perf.bonus SET year = 1 WHERE year = 2 AND employee_id = 8', '27000', 'an update of "bonus" lost rows');
SELECT throws_ok('UPDATE perf.bonus SET year = 1', '27000', 'an update of "bonus" lost rows');
DROP TRIGGER drop_row ON perf.bonus_1;

-- attached, detached, attached again
CREATE TABLE perf.bonus_3 (employee_id int NOT NULL, year int NOT NULL, note text);
INSERT INTO perf.bonus_3 VALUES (8, 3, 'before');
ALTER TABLE perf.bonus ATTACH PARTITION perf.bonus_3 FOR VALUES IN (3);
SELECT results_eq('SELECT pg_temp.differences()', $$VALUES ('perf.bonus {"year": 3, "employee_id": 8} the row is not in the ledger')$$, 'a partition that came with rows');
CALL perfmgmt.watch_table('perf.bonus_3');
SELECT results_eq($$SELECT pg_temp.news('perf.bonus')$$, $$VALUES ('8 baseline > {"note": "before", "year": 3}')$$, 'watch_table() writes them');
UPDATE perf.bonus SET year = 3 WHERE employee_id = 13;
INSERT INTO perf.bonus_3 VALUES (9, 3, 'direct');
SELECT results_eq($$SELECT pg_temp.news('perf.bonus')$$, $$VALUES
    ('13 update {"year": 1} > {"note": "n", "year": 3}'), ('9 insert > {"note": "direct", "year": 3}')$$, 'and watches it');
SELECT is_empty('SELECT pg_temp.differences()', 'the partitions are as the ledger says');

SELECT is(perfmgmt.audit_leave('perf.bonus_3', perfmgmt.author_columns('perf.bonus_3')), 3::bigint, 'before it is detached');
ALTER TABLE perf.bonus DETACH PARTITION perf.bonus_3;
GRANT SELECT ON perf.bonus_3 TO perfmgmt_engine;
SELECT is(perfmgmt.audit_baseline('perf.bonus_3', perfmgmt.author_columns('perf.bonus_3')), 3::bigint, 'and after it');
SELECT is_empty('SELECT pg_temp.differences()', 'the rows go by the new name');
DELETE FROM perf.bonus_3 WHERE employee_id = 9;
SELECT results_eq($$SELECT pg_temp.news('perf.bonus_3') OFFSET 3$$, $$VALUES ('9 delete {"note": "direct", "year": 3} >')$$, 'changes, too')
WHERE (SELECT count(*) FROM pg_temp.entries('perf.bonus_3')) = 4;
SELECT is(perfmgmt.audit_leave('perf.bonus_3', perfmgmt.author_columns('perf.bonus_3')), 2::bigint, 'back again');
ALTER TABLE perf.bonus ATTACH PARTITION perf.bonus_3 FOR VALUES IN (3);
SELECT is(perfmgmt.audit_baseline('perf.bonus_3', perfmgmt.author_columns('perf.bonus_3')), 2::bigint);
SELECT is_empty('SELECT pg_temp.differences()', 'under the old one');
SELECT is((SELECT status FROM perf.verify_audit()), 'unanchored', 'the chains are whole');

-- behind the triggers of a partition
ALTER TABLE perf.bonus_2 DISABLE TRIGGER ALL;
UPDATE perf.bonus_2 SET note = 'more' WHERE employee_id = 8;
DELETE FROM perf.bonus_2 WHERE employee_id = 11;
INSERT INTO perf.bonus_2 (employee_id, year, note) VALUES (15, 2, 'mine');
ALTER TABLE perf.bonus_2 ENABLE TRIGGER ALL;
CALL perfmgmt.watch_table('perf.bonus_2');
SELECT results_eq($$SELECT DISTINCT tgenabled::text FROM pg_trigger WHERE tgrelid = 'perf.bonus_2'::regclass AND tgname LIKE 'audit_%'$$, $$VALUES ('A')$$, 'watch_table() repairs triggers');
SELECT results_eq('SELECT pg_temp.differences()', $$VALUES
    ('perf.bonus {"year": 2, "employee_id": 8} the row is not as the ledger says'), ('perf.bonus {"year": 2, "employee_id": 11} the row is missing'),
    ('perf.bonus {"year": 2, "employee_id": 15} the row is not in the ledger')$$, 'what was done behind the triggers of a partition');
SAVEPOINT dropped;
DROP TABLE perf.bonus;
SELECT results_eq('SELECT pg_temp.differences()', $$VALUES ('perf.bonus the table is missing, with rows that nobody deleted')$$, 'a table dropped with its rows');
ROLLBACK TO dropped;
DELETE FROM perf.bonus;
DROP TABLE perf.bonus;

-- Inheritance ---------------------------------------------------------------

CREATE TABLE perf.parent (id int PRIMARY KEY, employee_id int);
CREATE TABLE perf.heir (PRIMARY KEY (id)) INHERITS (perf.parent);
SELECT throws_ok($$CALL perfmgmt.watch_table('perf.parent')$$, '0A000', 'the ledger cannot watch "perf.parent", which inherits or is inherited');
SELECT throws_ok($$CALL perfmgmt.watch_table('perf.heir')$$, '0A000', 'the ledger cannot watch "perf.heir", which inherits or is inherited');
CREATE TABLE perf.named_alike (employee_id int PRIMARY KEY);
CREATE TRIGGER audit_update BEFORE UPDATE ON perf.named_alike FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
SELECT throws_ok($$CALL perfmgmt.watch_table('perf.named_alike')$$, '42710', NULL, 'a trigger of somebody else is not taken over');
DROP TABLE perf.named_alike;
DROP TABLE perf.parent CASCADE;

-- Foreign keys that cascade -------------------------------------------------

CREATE TABLE perf.club (id int PRIMARY KEY, employee_id int);
CREATE TABLE perf.club_team (team int PRIMARY KEY, id int REFERENCES perf.club ON DELETE CASCADE ON UPDATE CASCADE, employee_id int);
CREATE TABLE perf.club_member (member int PRIMARY KEY, team int REFERENCES perf.club_team ON DELETE SET NULL ON UPDATE CASCADE, employee_id int);
CREATE INDEX ON perf.club_team (id);
CREATE INDEX ON perf.club_member (team);
CALL perfmgmt.watch_tables();
GRANT SELECT ON perf.club, perf.club_team, perf.club_member TO perfmgmt_engine;
INSERT INTO perf.club SELECT n, n FROM generate_series(8, 11) n;
INSERT INTO perf.club_team SELECT n, 8 + n % 4, 8 + n % 3 FROM generate_series(1, 8) n;
INSERT INTO perf.club_member SELECT n, 1 + n % 8, 8 + n FROM generate_series(1, 8) n;
UPDATE perf.club SET id = id + 100 WHERE id < 10;
UPDATE perf.club_team SET team = team + 10;
DELETE FROM perf.club WHERE id < 100;
SELECT results_eq($$SELECT table_name, operation, count(*)::int FROM perf.audit_log WHERE table_name LIKE 'perf.club%' GROUP BY 1, 2 ORDER BY 1, 2$$, $$VALUES
    ('perf.club', 'delete', 2), ('perf.club', 'insert', 4), ('perf.club', 'update', 2),
    ('perf.club_member', 'insert', 8), ('perf.club_member', 'update', 12),
    ('perf.club_team', 'delete', 4), ('perf.club_team', 'insert', 8), ('perf.club_team', 'update', 12)$$, 'every row that a foreign key changes is an entry');
SELECT is_empty('SELECT pg_temp.differences()', 'and the tables are as the ledger says');
CREATE TABLE public.above (id int PRIMARY KEY);
ALTER TABLE perf.club_member ADD above int REFERENCES public.above;
SELECT throws_ok('TRUNCATE public.above CASCADE', '0A000', 'TRUNCATE of "club_member" is refused', 'a TRUNCATE that would cascade');

-- Columns -------------------------------------------------------------------

CREATE DOMAIN public.person AS int;
CREATE TYPE public.mood AS ENUM ('müde');
CREATE TABLE perf.kind (id int PRIMARY KEY, employee_id public.person, a int, twice int GENERATED ALWAYS AS (a * 2) STORED, b text, mood public.mood);
CALL perfmgmt.watch_table('perf.kind');
GRANT SELECT ON perf.kind TO perfmgmt_engine;
INSERT INTO perf.kind VALUES (1, 8, 1, DEFAULT, 'b', 'müde');
SELECT is((SELECT subject FROM perf.audit_log WHERE table_name = 'perf.kind'), 8, 'a domain names the person, too');
SET LOCAL client_encoding = 'LATIN1';
SELECT is_empty('SELECT pg_temp.differences()', 'labels do not depend on the encoding of the client');
INSERT INTO perf.kind (id, employee_id, mood) SELECT 2, 8, mood FROM perf.kind;
SET LOCAL client_encoding = 'UTF8';
SELECT is_empty('SELECT pg_temp.differences()', 'nor does what was written by another one');
ALTER TABLE perf.kind DROP COLUMN b, ADD c text DEFAULT 'c';
UPDATE perf.kind SET a = 5 WHERE id = 1;
SELECT is((SELECT (row_before::text, row_after - 'mood')::text FROM perf.audit_log WHERE table_name = 'perf.kind' AND operation = 'update'),
          ('{"a": 1, "twice": 2}'::text, '{"a": 5, "c": "c", "id": 1, "twice": 10, "employee_id": 8}'::jsonb)::text,
          'a generated column, one that came and one that went');
SELECT is_empty('SELECT pg_temp.differences()', 'are no difference');
ALTER TABLE perf.kind ALTER COLUMN c DROP DEFAULT, ALTER COLUMN c TYPE text USING c || '!';
SELECT results_eq('SELECT pg_temp.differences()', $$VALUES ('perf.kind {"id": 1} the row is not as the ledger says')$$, 'an ALTER TABLE that rewrites values is one');
SELECT perfmgmt.audit_baseline('perf.kind', perfmgmt.author_columns('perf.kind'));
SELECT is_empty('SELECT pg_temp.differences()', 'until audit_baseline() writes what it made');
ALTER TABLE perf.kind DROP CONSTRAINT kind_pkey;
SELECT results_eq('SELECT pg_temp.differences()', $$VALUES ('perf.kind the table has no primary key and was not compared')$$, 'without a primary key nothing can be compared');
ALTER TABLE perf.kind ADD PRIMARY KEY (id);
ALTER TABLE perf.kind RENAME TO sort;
SELECT set_eq('SELECT pg_temp.differences()', $$VALUES ('perf.kind the table is missing, with rows that nobody deleted'),
    ('perf.sort {"id": 1} the row is not in the ledger'), ('perf.sort {"id": 2} the row is not in the ledger')$$, 'a renamed table');
ALTER TABLE perf.sort RENAME TO kind;

-- many columns, much text
DO $$
BEGIN
    EXECUTE (SELECT format('CREATE TABLE perf.wide (id int PRIMARY KEY, employee_id int, t text, %s)', string_agg(format('c%s int', n), ', ')) FROM generate_series(1, 1500) n);
END
$$;
CALL perfmgmt.watch_table('perf.wide');
GRANT SELECT ON perf.wide TO perfmgmt_engine;
INSERT INTO perf.wide (id, employee_id, c1500, t) VALUES (1, 8, 1, repeat('much ', 400000));
UPDATE perf.wide SET c1500 = 2;
SELECT is((SELECT row_before FROM perf.audit_log WHERE table_name = 'perf.wide' AND operation = 'update'), '{"c1500": 1}'::jsonb, 'a wide row');
SELECT is_empty('SELECT pg_temp.differences()');

-- a type that has no binary format
CREATE TABLE perf.bare (id int PRIMARY KEY, rights aclitem);
CALL perfmgmt.watch_table('perf.bare');
SELECT throws_ok($$INSERT INTO perf.bare VALUES (1, 'postgres=r/postgres')$$, '42883', NULL, 'a type without binary format is refused');
DROP TABLE perf.bare;

-- Transactions --------------------------------------------------------------

CREATE TABLE perf.late (id int PRIMARY KEY, employee_id int);
CALL perfmgmt.watch_table('perf.late');
GRANT SELECT ON perf.late TO perfmgmt_engine;
CREATE FUNCTION pg_temp.later() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE perf.late SET employee_id = employee_id + 1 WHERE id = new.id;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON perf.late DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pg_temp.later();
INSERT INTO perf.late VALUES (1, 8), (2, 9);
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
SELECT results_eq($$SELECT concat_ws(' ', subject, operation) FROM perf.audit_log WHERE table_name = 'perf.late' ORDER BY subject, sequence$$,
                  $$VALUES ('8 insert'), ('8 leave'), ('9 insert'), ('9 enter'), ('9 leave'), ('10 enter')$$, 'what deferred triggers do');
-- several statements in one, on the same chain
WITH a AS (INSERT INTO perf.late VALUES (3, 8) RETURNING id), b AS (DELETE FROM perf.late WHERE id = 1 RETURNING id), c AS (INSERT INTO perf.club VALUES (5, 8))
UPDATE perf.late SET employee_id = 8 WHERE id = 2;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
SELECT is_empty('SELECT pg_temp.differences()', 'statements inside a statement');
DROP TRIGGER later ON perf.late;
-- a savepoint that PL/pgSQL takes back
DO $$
BEGIN
    FOR i IN 1 .. 3 LOOP
        BEGIN
            INSERT INTO perf.club VALUES (100 + i, 8), (200 + i, 9);
            IF i = 2 THEN
                RAISE division_by_zero;
            END IF;
        EXCEPTION WHEN division_by_zero THEN
            INSERT INTO perf.club VALUES (300 + i, 9);
        END;
    END LOOP;
END
$$;
SELECT is_empty('SELECT pg_temp.differences()', 'exceptions that are caught');
SELECT is((SELECT status FROM perf.verify_audit()), 'unanchored', 'the chains are whole');

-- What the session keeps about a table ------------------------------------------

-- each change of the definition is seen by the next statement
SAVEPOINT definitions;
CREATE TABLE perf.memo (id int PRIMARY KEY, employee_id int, note text);
CALL perfmgmt.watch_table('perf.memo');
INSERT INTO perf.memo VALUES (1, 8, 'a');
CREATE FUNCTION pg_temp.last_memo() RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', e.subject, e.table_name, (SELECT string_agg(k, ',' ORDER BY k) FROM jsonb_object_keys(perfmgmt.audit_content(e.content) -> 'after') k),
                     (SELECT string_agg(k, ',' ORDER BY k) FROM jsonb_object_keys(nullif(perfmgmt.audit_authorship(e.authorship) -> 'after', 'null')) k))
    FROM perf.audit_entry e WHERE e.table_name ~ '^perf\.(memo|note|deep)'
    ORDER BY (perfmgmt.audit_authorship(e.authorship) ->> 'recorded_at')::timestamptz DESC, e.sequence DESC LIMIT 1 $$;
SELECT is(pg_temp.last_memo(), '8 perf.memo employee_id,id,note', 'a row');
ALTER TABLE perf.memo RENAME note TO remark;
INSERT INTO perf.memo VALUES (2, 8, 'b');
SELECT is(pg_temp.last_memo(), '8 perf.memo employee_id,id,remark', 'a column of another name');
ALTER TABLE perf.memo ADD at date;
INSERT INTO perf.memo VALUES (3, 8, 'c', '2026-01-01');
SELECT is(pg_temp.last_memo(), '8 perf.memo at,employee_id,id,remark', 'a column more');
ALTER TABLE perf.memo DROP remark, ALTER at TYPE text;
INSERT INTO perf.memo VALUES (4, 8, 'd');
SELECT is(pg_temp.last_memo(), '8 perf.memo at,employee_id,id', 'one less, and one of another type');
CREATE OR REPLACE TRIGGER audit_insert AFTER INSERT ON perf.memo REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION perfmgmt.audit_capture('at');
INSERT INTO perf.memo VALUES (5, 8, 'e');
SELECT is(pg_temp.last_memo(), '8 perf.memo employee_id,id at', 'a column that names an author');
UPDATE perf.memo SET at = 'f' WHERE id = 5;
SELECT is(pg_temp.last_memo(), '8 perf.memo at,employee_id,id', 'of which another trigger knows nothing');
INSERT INTO perf.memo VALUES (6, 8, 'g');
SELECT is(pg_temp.last_memo(), '8 perf.memo employee_id,id at', 'each its own');
ALTER TABLE perf.memo RENAME employee_id TO person;
INSERT INTO perf.memo VALUES (7, 8, 'h');
SELECT is(pg_temp.last_memo(), '0 perf.memo id,person at', 'no column that says whose');
ALTER TABLE perf.memo RENAME TO note;
INSERT INTO perf.note VALUES (8, 8, 'i');
SELECT is(pg_temp.last_memo(), '0 perf.note id,person at', 'another name');
SAVEPOINT renamed;
ALTER TABLE perf.note RENAME person TO somebody;
INSERT INTO perf.note VALUES (9, 8, 'j');
SELECT is(pg_temp.last_memo(), '0 perf.note id,somebody at', 'one that');
ROLLBACK TO renamed;
INSERT INTO perf.note VALUES (9, 8, 'j');
SELECT is(pg_temp.last_memo(), '0 perf.note id,person at', 'is taken back');
ALTER SCHEMA perf RENAME TO records;
SELECT throws_ok('INSERT INTO records.note VALUES (10, 8)', '42P01', 'there is no ledger: table "perf.audit_entry" does not exist', 'a schema of another name');
ALTER SCHEMA records RENAME TO perf;
-- a partition goes by the name of the whole, however deep
CREATE TABLE perf.deep (employee_id int, n int, PRIMARY KEY (employee_id, n)) PARTITION BY LIST (n);
CREATE TABLE perf.deep_1 PARTITION OF perf.deep FOR VALUES IN (1, 2) PARTITION BY LIST (n);
CREATE TABLE perf.deep_11 PARTITION OF perf.deep_1 FOR VALUES IN (1);
CALL perfmgmt.watch_table('perf.deep_11');
INSERT INTO perf.deep_11 VALUES (8, 1);
SELECT is(pg_temp.last_memo(), '8 perf.deep employee_id,n', 'the name of the whole');
ALTER TABLE perf.deep RENAME TO deeper;
INSERT INTO perf.deep_11 VALUES (9, 1);
SELECT is(pg_temp.last_memo(), '9 perf.deeper employee_id,n', 'when it changes');
ALTER TABLE perf.deeper DETACH PARTITION perf.deep_1;
INSERT INTO perf.deep_11 VALUES (10, 1);
SELECT is(pg_temp.last_memo(), '10 perf.deep_1 employee_id,n', 'and when it is less');
ROLLBACK TO definitions;

-- Indexes that somebody adds to the ledger ---------------------------------------

CREATE INDEX entry_is_big ON perf.audit_entry (table_name, (length(content) > 100)) WHERE sequence > 1;
CREATE INDEX head_by_hash ON perf.audit_head (hash);	-- no update in place any more
INSERT INTO perf.club SELECT 400 + i, 8 + i % 2 FROM generate_series(1, 200) i;
INSERT INTO perf.club VALUES (700, 8);
UPDATE perf.club SET employee_id = 9 WHERE id = 700;
INSERT INTO perf.club VALUES (701, 100001);
SET LOCAL enable_seqscan = off;
SELECT is((SELECT count(*) FROM perf.audit_head h WHERE h.hash = (SELECT e.hash FROM perf.audit_entry e WHERE e.subject = h.subject AND e.sequence = h.sequence)),
          (SELECT count(DISTINCT subject) FROM perf.audit_entry), 'the heads are in an index of their own');
SELECT is((SELECT array_agg(DISTINCT (SELECT count(*) FROM perf.audit_head h WHERE h.hash = i.hash)) FROM perf.audit_head i), ARRAY[1::bigint], 'once each');
SELECT is((SELECT count(*) FROM perf.audit_entry WHERE table_name = 'perf.club' AND (length(content) > 100) = false AND sequence > 1)
          + (SELECT count(*) FROM perf.audit_entry WHERE table_name = 'perf.club' AND (length(content) > 100) = true AND sequence > 1),
          (SELECT count(*) FROM perf.audit_entry WHERE table_name || '' = 'perf.club' AND sequence > 1), 'the entries too');
RESET enable_seqscan;
DROP INDEX perf.entry_is_big, perf.head_by_hash;
SELECT is((SELECT status FROM perf.verify_audit()), 'unanchored', 'the chains are whole');
-- the heads are read as a heap
SAVEPOINT method;
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
ALTER TABLE perf.audit_head SET ACCESS METHOD heap2;
SELECT throws_ok('INSERT INTO perf.club VALUES (702, 8)', '0A000', 'table "audit_head" is not of access method heap', 'another access method is refused');
ROLLBACK TO method;

-- Tables of the same name ---------------------------------------------------

CREATE TEMP TABLE audit_entry (LIKE perf.audit_entry);
CREATE TEMP TABLE audit_head (LIKE perf.audit_head);
CREATE TEMP TABLE audit_block (LIKE perf.audit_block);
CREATE TEMP TABLE audit_block_head (LIKE perf.audit_block_head);
CREATE TEMP TABLE club AS SELECT * FROM perf.club;
SET LOCAL search_path = pg_temp, public, perf, perfmgmt;
INSERT INTO perf.late VALUES (4, 8);
SELECT isnt(perf.seal_audit(), NULL, 'sealed in spite of temporary tables');
SELECT is((SELECT (status, unsealed)::text FROM perf.verify_audit(perf.audit_digest())), ('anchored_ok'::text, 0::bigint)::text, 'verified');
SELECT is_empty($$SELECT FROM pg_temp.audit_entry UNION ALL SELECT FROM pg_temp.audit_head UNION ALL SELECT FROM pg_temp.audit_block$$, 'which stay empty');
SELECT is_empty('SELECT pg_temp.differences()');
SELECT throws_ok('SELECT perfmgmt.audit_capture()', '39P01', 'audit_capture() is not called as a trigger', 'a trigger function is no function to call');
CREATE ROLE audit_somebody;
SET LOCAL ROLE audit_somebody;
SELECT throws_ok($$SELECT perfmgmt.audit_baseline('perf.late', '{}')$$, '42501', NULL, 'who does not own a table writes no baseline');
SELECT throws_ok($$SELECT perfmgmt.audit_leave('perf.late', '{}')$$, '42501', NULL, 'and lets no rows leave');
RESET ROLE;
GRANT USAGE ON SCHEMA perfmgmt, perf TO audit_somebody;
GRANT EXECUTE ON FUNCTION perfmgmt.audit_baseline(regclass, text[]), perfmgmt.audit_leave(regclass, text[]) TO audit_somebody;
SET LOCAL ROLE audit_somebody;
SELECT throws_ok($$SELECT perfmgmt.audit_baseline('perf.late', '{}')$$, '42501', 'must be owner of table late', 'whatever EXECUTE says');
SELECT throws_ok($$SELECT perfmgmt.audit_leave('perf.late', '{}')$$, '42501', 'must be owner of table late');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
