-- The ledger: what is captured, who may read it, and every attack on it.
BEGIN;
SELECT no_plan();
SET LOCAL search_path = public, perf, perfmgmt, pg_catalog;

-- Capture -------------------------------------------------------------------

SELECT is((SELECT status FROM perf.verify_audit()), 'unanchored', 'the ledger of the fixture is whole, and unanchored without a digest');
SELECT is((SELECT status FROM perf.verify_audit(perf.audit_digest())), 'anchored_ok', 'and anchored with one');
SELECT is_empty('SELECT * FROM perf.reconcile_audit()', 'the tables are as the ledger says');

CREATE FUNCTION pg_temp.last(of_subject int) RETURNS SETOF perf.audit_log LANGUAGE sql AS
    'SELECT * FROM perf.audit_log l WHERE l.subject = of_subject ORDER BY l.sequence DESC LIMIT 1';

INSERT INTO perf.goal (employee_id, review_cycle_id, goal_text, weight, manager_chain) VALUES (8, 2, 'Learn.', 2, '{4,2,1}');
SELECT is((SELECT (operation, table_name, row_before IS NULL, row_after ->> 'goal_text', session_user_name)::text FROM pg_temp.last(8)),
          ('insert'::text, 'perf.goal'::text, true, 'Learn.'::text, session_user::text)::text, 'an insert');
UPDATE perf.goal SET weight = 3 WHERE employee_id = 8 AND goal_text = 'Learn.';
SELECT is((SELECT (operation, row_before, row_after ->> 'weight')::text FROM pg_temp.last(8)),
          ('update'::text, '{"weight": 2}'::jsonb, '3'::text)::text, 'an update: the columns that changed, and the row');
SELECT lives_ok($$UPDATE perf.goal SET weight = weight WHERE employee_id = 8$$);
SELECT is((SELECT row_before FROM pg_temp.last(8)), '{"weight": 2}'::jsonb, 'an update that changes nothing is no entry');
SELECT perf.set_reason('asked to');
DELETE FROM perf.goal WHERE employee_id = 8 AND goal_text = 'Learn.';
SELECT is((SELECT (operation, row_before ->> 'weight', row_after IS NULL, reason)::text FROM pg_temp.last(8)),
          ('delete'::text, '3'::text, true, 'asked to'::text)::text, 'a delete, with the reason');
SAVEPOINT s;
SELECT perf.set_reason('another');
INSERT INTO perf.team (team_id, team_code) VALUES (77, 'x');
SELECT is((SELECT (table_name, reason)::text FROM pg_temp.last(0)), ('perf.team'::text, 'another'::text)::text, 'rows about nobody: the chain of the company');
ROLLBACK TO s;
INSERT INTO perf.team (team_id, team_code) VALUES (77, 'x');
SELECT is((SELECT reason FROM pg_temp.last(0)), 'asked to', 'a reason goes with its savepoint');

-- joins, COPY, and a role that fires no other triggers
UPDATE perf.goal g SET weight = v.w FROM (VALUES (14, 5), (16, 6)) v(id, w) WHERE g.employee_id = v.id AND g.review_cycle_id = 2;
SELECT results_eq($$SELECT subject, operation, row_before ->> 'weight', row_after ->> 'weight' FROM perf.audit_log
                    WHERE table_name = 'perf.goal' AND operation = 'update' AND subject IN (14, 16) ORDER BY subject, sequence DESC$$,
                  $$VALUES (14, 'update', '1', '5'), (16, 'update', '1', '6')$$, 'UPDATE FROM');
SET LOCAL session_replication_role = replica;
COPY perf.goal (employee_id, review_cycle_id, goal_text, weight, manager_chain) FROM stdin;
14	2	Copied.	1	{5,2,1}
\.
UPDATE perf.goal SET weight = 7 WHERE goal_text = 'Copied.';
SET LOCAL session_replication_role = origin;
DELETE FROM perf.goal g USING (VALUES (14)) v(id) WHERE g.employee_id = v.id AND g.goal_text = 'Copied.';
SELECT results_eq($$SELECT operation, coalesce(row_after, row_before) ->> 'weight' FROM perf.audit_log
                    WHERE subject = 14 AND table_name = 'perf.goal' AND coalesce(row_after, row_before) ->> 'goal_text' = 'Copied.' ORDER BY sequence$$,
                  $$VALUES ('insert', '1'), ('update', '7'), ('delete', '7')$$, 'COPY and UPDATE as a replica, DELETE USING');
-- what test/sql/audit_engine.sql has golden bytes of
SELECT is_empty($$SELECT a.attrelid::regclass, a.attname, format_type(a.atttypid, NULL)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
    WHERE c.relnamespace = 'perf'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
      AND c.relname NOT IN (SELECT u.table_name FROM perfmgmt.unaudited_table() u)
      AND NOT coalesce(nullif(t.typbasetype, 0), a.atttypid) = ANY ('{bool,int2,int4,int8,text,varchar,name,bytea,date,timestamptz,numeric,xid8,jsonb,uuid,int2[],int4[],int8[],text[],daterange,int4range}'::regtype[]::oid[])$$,
    'each column that is captured has a type with golden bytes');
-- one statement, many people; ON CONFLICT; a statement without rows
SELECT is((SELECT count(*) FROM perf.audit_entry WHERE table_name = 'perf.accomplishment' AND operation = 'update'), 0::bigint);
UPDATE perf.accomplishment SET claim = claim || '!';
SELECT is((SELECT count(DISTINCT subject) FROM perf.audit_entry WHERE table_name = 'perf.accomplishment' AND operation = 'update'),
          (SELECT count(DISTINCT employee_id) FROM perf.accomplishment), 'an entry in each chain');
INSERT INTO perf.absence (employee_id, absence_id, valid_during) VALUES (9, 900, '[2025-01-01,2025-02-01)');
INSERT INTO perf.absence (employee_id, absence_id, valid_during) VALUES (9, 900, '[2025-01-01,2025-03-01)'), (9, 901, '[2025-05-01,2025-06-01)')
ON CONFLICT (employee_id, absence_id) DO UPDATE SET valid_during = excluded.valid_during;
SELECT results_eq($$SELECT operation FROM perf.audit_log WHERE subject = 9 AND table_name = 'perf.absence' ORDER BY sequence$$,
                  $$VALUES ('insert'), ('update'), ('insert')$$, 'ON CONFLICT: the update and the insert');
SELECT lives_ok($$DELETE FROM perf.absence WHERE false$$, 'a statement without rows');
-- a row that goes to another person
INSERT INTO perf.login VALUES ('audit_test', 8);
UPDATE perf.login SET employee_id = 9 WHERE role_name = 'audit_test';
SELECT results_eq($$SELECT subject, operation FROM perf.audit_log WHERE table_name = 'perf.login' ORDER BY subject, sequence$$,
                  $$VALUES (8, 'insert'), (8, 'leave'), (9, 'enter')$$, 'leaves one chain and enters the other');
-- savepoints: the head goes back with the entries
CREATE FUNCTION pg_temp.absent(n int) RETURNS void LANGUAGE sql AS
    $$INSERT INTO perf.absence (employee_id, valid_during) VALUES (10, daterange('2010-01-01', '2010-01-02')), (n, daterange('2010-01-01', '2010-01-02'))$$;
SELECT pg_temp.absent(11);
SAVEPOINT a;
SELECT pg_temp.absent(12), pg_temp.absent(13);
SAVEPOINT b;
SELECT pg_temp.absent(11), pg_temp.absent(14);
ROLLBACK TO b;
SELECT pg_temp.absent(12);
ROLLBACK TO a;
SELECT pg_temp.absent(11), pg_temp.absent(15);
SELECT is((SELECT array_agg(subject || ': ' || n ORDER BY subject)::text FROM (SELECT subject, count(*) AS n FROM perf.audit_entry
           WHERE table_name = 'perf.absence' AND subject BETWEEN 10 AND 15 GROUP BY subject) c), '{"10: 3","11: 2","15: 1"}', 'savepoints');
SELECT is((SELECT status FROM perf.verify_audit()), 'unanchored', 'leave no gap');
-- authors are apart
SELECT is_empty($$SELECT * FROM perf.audit_log WHERE table_name = 'perf.principle_rating' AND (row_after ? 'rater_id' OR NOT author_after ? 'rater_id')$$,
                'the rater is in the authorship, not in the content');
SELECT ok(bool_and(recorded_at >= before), 'time does not run backwards in a chain')
FROM (SELECT recorded_at, lag(recorded_at) OVER (PARTITION BY subject ORDER BY sequence) AS before FROM perf.audit_log) l WHERE before IS NOT NULL;
SELECT is((SELECT count(*) FROM (SELECT substr(content, 1, 16) AS salt FROM perf.audit_entry UNION SELECT substr(authorship, 1, 16) FROM perf.audit_entry) s),
          (SELECT 2 * count(*) FROM perf.audit_entry), 'no salt is used twice');
SELECT is((SELECT count(*) FROM perf.audit_log WHERE actor_id = 26 AND table_name = 'perf.forte_label'),
          (SELECT count(*) FROM perf.forte_label), 'entries name the actor');
SELECT throws_ok('TRUNCATE perf.goal', '0A000', 'TRUNCATE of "goal" is refused');
SELECT throws_ok('TRUNCATE perf.audit_entry', '0A000', 'TRUNCATE of "audit_entry" is refused');
SET LOCAL session_replication_role = replica;
SELECT throws_ok('TRUNCATE perf.goal', '0A000', NULL, 'also for a replica''s role');
DELETE FROM perf.goal WHERE employee_id = 8;
SELECT is((SELECT operation FROM pg_temp.last(8)), 'delete', 'which captures, too');
SET LOCAL session_replication_role = origin;

-- who may not use the triggers
CREATE TABLE public.own (employee_id int);
CREATE TRIGGER t AFTER INSERT ON public.own REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION perfmgmt.audit_capture();
SELECT throws_ok('INSERT INTO public.own VALUES (1)', '39P01', 'the ledger is about tables of schema "perf" only');
DROP TRIGGER t ON public.own;
CREATE TRIGGER t BEFORE INSERT ON public.own FOR EACH STATEMENT EXECUTE FUNCTION perfmgmt.audit_capture();
SELECT throws_ok('INSERT INTO public.own VALUES (1)', '39P01', 'audit_capture() must be fired after a statement');
DROP TRIGGER t ON public.own;
CREATE TRIGGER t AFTER INSERT ON public.own FOR EACH STATEMENT EXECUTE FUNCTION perfmgmt.audit_capture();
SELECT throws_ok('INSERT INTO public.own VALUES (1)', '39P01', 'audit_capture() needs the transition table of the new rows');

-- History -------------------------------------------------------------------

SELECT results_eq($$SELECT operation FROM perf.history('perf.login', 8)$$, $$VALUES ('insert'), ('leave')$$, 'history()');
SELECT results_eq($$SELECT document ->> 'role_name' FROM perf.as_of('perf.login', 9, 'infinity')$$, $$VALUES ('audit_test')$$, 'as_of() now');
SELECT is_empty($$SELECT * FROM perf.as_of('perf.login', 9, '2020-01-01')$$, 'and before');
SELECT results_eq($$SELECT document FROM perf.as_of('perf.employee', 8, 'infinity')$$,
                  $$SELECT perfmgmt.canonical_row_json(e) - 'manager_chain' FROM perf.employee e WHERE employee_id = 8$$, 'as it is in the table, but for the derived manager_chain');
-- valid time and known-at time: who was the manager then, as known when
SELECT clock_timestamp() AS known_first \gset
UPDATE perf.assignment SET manager_id = 5 WHERE employee_id = 9;
SELECT clock_timestamp() AS known_second \gset
UPDATE perf.assignment SET valid_during = daterange(lower(valid_during), '2025-01-01'), manager_id = 4 WHERE employee_id = 9;
INSERT INTO perf.assignment (employee_id, manager_id, team_id, level_code, valid_during) SELECT 9, 5, 2, 'SDE I', '[2025-01-01,)';
CREATE FUNCTION pg_temp.manager(valid_on date, known_at timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(document ->> 'manager_id', ',') FROM perf.as_of('perf.assignment', 9, known_at) WHERE (document ->> 'valid_during')::daterange @> valid_on
$$;
SELECT is(array_agg(pg_temp.manager(valid_on, known_at) ORDER BY known_at, valid_on)::text, '{4,4,5,5,4,5}', 'what was known at three times of two days')
FROM (VALUES (date '2024-06-01'), ('2025-06-01')) d(valid_on) CROSS JOIN (VALUES (:'known_first'::timestamptz), (:'known_second'), ('infinity')) t(known_at);
-- a manager moves: one event, of the assignment
CREATE TEMP TABLE heads_before AS SELECT subject, sequence FROM perf.audit_head;
UPDATE perf.employee SET manager_chain = manager_chain || 1 WHERE employee_id IN (8, 9);
SELECT is_empty('SELECT subject, sequence FROM perf.audit_head EXCEPT SELECT * FROM heads_before', 'a rewritten manager_chain is no event');
UPDATE perf.employee SET manager_chain = manager_chain[:cardinality(manager_chain) - 1], email = CASE employee_id WHEN 9 THEN 'p9@example.com' END WHERE employee_id IN (8, 9);
SELECT results_eq('SELECT subject FROM (SELECT subject, sequence FROM perf.audit_head EXCEPT SELECT * FROM heads_before) c', 'VALUES (9)', 'beside it, who changed otherwise is');
UPDATE perf.employee SET email = NULL WHERE employee_id = 9;
SELECT is_empty('SELECT * FROM perf.reconcile_audit()', 'all of it reconciles');

-- a clock that was set back: the order of a chain counts, not the time
SAVEPOINT clock;
INSERT INTO perf.goal (employee_id, review_cycle_id, goal_text, weight, manager_chain) VALUES (8, 2, 'Clock.', 2, '{4,2,1}');
UPDATE perf.goal SET weight = 3 WHERE goal_text = 'Clock.';
INSERT INTO perf.login VALUES ('clock', 9);
UPDATE perf.login SET employee_id = 8 WHERE role_name = 'clock';
UPDATE perf.login SET employee_id = 9 WHERE role_name = 'clock';
UPDATE perf.audit_entry e SET authorship = overlay(authorship PLACING int8send(1000 - e.sequence) FROM 28 FOR 8)
FROM perf.audit_head h WHERE h.subject = e.subject AND e.subject IN (8, 9) AND e.sequence > h.sequence - 4;
SELECT ok(bool_and(recorded_at < '2000-01-02'), 'entries of a clock that ran backwards') FROM pg_temp.last(8);
SELECT is_empty('SELECT * FROM perf.reconcile_audit()', 'are no difference');
ROLLBACK TO clock;

-- Seal ----------------------------------------------------------------------

SELECT isnt(perf.seal_audit(), NULL, 'seal');
CREATE TEMP TABLE anchor AS SELECT perf.audit_digest() AS digest;
SELECT is(perf.seal_audit(), NULL, 'nothing is left to seal');
INSERT INTO perf.goal (employee_id, review_cycle_id, goal_text, weight, manager_chain) VALUES (8, 2, 'Teach.', 2, '{4,2,1}');
SELECT isnt(perf.seal_audit(), NULL, 'and again');
CREATE TEMP TABLE kept AS SELECT perf.audit_digest() AS digest;
INSERT INTO perf.goal (employee_id, review_cycle_id, goal_text, weight, manager_chain) VALUES (8, 2, 'Unsealed.', 2, '{4,2,1}');
SELECT is((SELECT (status, unsealed, anchored_blocks = blocks, redacted)::text FROM perf.verify_audit((SELECT digest FROM kept))),
          ('anchored_ok'::text, 1::bigint, true, 0::bigint)::text, 'anchored up to the block of the digest; what came after is counted');
SELECT is((SELECT entries_root FROM perf.audit_block ORDER BY block DESC LIMIT 1),
          (SELECT perfmgmt.merkle_root(ARRAY[e.hash]) FROM perf.audit_entry e WHERE e.subject = 8 ORDER BY e.sequence DESC OFFSET 1 LIMIT 1),
          'the root of a block of one entry');
SELECT throws_ok($$SELECT perf.verify_audit('{"block": 1}')$$, '22023', 'not a digest of the ledger');

-- an entry in its block, and from block to block
SELECT is((SELECT encode(perfmgmt.merkle_climb(decode(i ->> 'hash', 'hex'), (i ->> 'leaf_index')::bigint, (i ->> 'tree_size')::bigint,
                         ARRAY(SELECT decode(p, 'hex') FROM json_array_elements_text(i -> 'path') p)), 'hex')),
          (SELECT encode(entries_root, 'hex') FROM perf.audit_block WHERE block = (i ->> 'block')::bigint), 'the proof of entry ' || s || ' of person 8')
FROM generate_series(1, 4) s CROSS JOIN LATERAL (SELECT perf.audit_inclusion(8, s)) x(i);
SELECT is(perf.audit_inclusion(8, (SELECT sequence FROM perf.audit_head WHERE subject = 8))::text, NULL, 'an entry that is not sealed has none');
SELECT is(perf.audit_inclusion(8, 99999)::text, NULL, 'nor has one that is not there');
SELECT is((SELECT string_agg(encode(perfmgmt.block_hash((b ->> 'block')::bigint, decode(b ->> 'previous_hash', 'hex'), (b ->> 'entries')::bigint, (b ->> 'heads')::bigint,
                    decode(b ->> 'entries_root', 'hex'), decode(b ->> 'heads_root', 'hex'), timestamptz '2000-01-01 00:00+00' + (b ->> 'sealed_at')::bigint * interval '1 us',
                    (b ->> 'system_identifier')::bigint, (b ->> 'timeline')::int, (b ->> 'database_oid')::bigint, (b ->> 'incarnation')::int), 'hex'), ',' ORDER BY (b ->> 'block')::int)
           FROM json_array_elements(perf.audit_consistency(1)) b),
          (SELECT string_agg(encode(hash, 'hex'), ',' ORDER BY block) FROM perf.audit_block WHERE block > 1), 'the blocks since the first can be computed again');
SELECT is(perf.audit_consistency(1) -> 0 ->> 'previous_hash', (SELECT encode(hash, 'hex') FROM perf.audit_block WHERE block = 1), 'and continue it');

-- Attacks -------------------------------------------------------------------
-- Each is undone. Person 8 has a chain in the middle of the table; entry 3 is
-- sealed, the last one is not.

CREATE FUNCTION pg_temp.attack(attack text, against json DEFAULT NULL, since json DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    BEGIN
        EXECUTE attack;
        SELECT concat_ws(' ', v.status, v.broken_table, v.broken_subject, v.broken_sequence, v.problem) INTO found FROM perf.verify_audit(against, since) v;
        RAISE EXCEPTION USING ERRCODE = 'ZZ001';
    EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
        RETURN found;
    END;
END
$$;
CREATE FUNCTION pg_temp.flip(b bytea) RETURNS bytea LANGUAGE sql AS 'SELECT set_byte(b, length(b) / 2, get_byte(b, length(b) / 2) # 1)';
CREATE FUNCTION pg_temp.tail(of_subject int) RETURNS bigint LANGUAGE sql AS 'SELECT sequence FROM perf.audit_head WHERE subject = of_subject';

SELECT is(pg_temp.attack(format('UPDATE perf.audit_entry SET %s WHERE subject = 8 AND sequence = 3', change)),
          'broken audit_entry 8 3 ' || problem, 'flipped: ' || change)
FROM (VALUES ('content = pg_temp.flip(content)', 'the hash is not that of the entry'),
             ('content = set_byte(content, 0, get_byte(content, 0) # 1)', 'the hash is not that of the entry'),
             ('content = set_byte(content, length(content) - 1, get_byte(content, length(content) - 1) # 128)', 'the hash is not that of the entry'),
             ('content = substr(content, 1, length(content) - 1)', 'the hash is not that of the entry'),
             ('content = content || ''\x00''', 'the hash is not that of the entry'),
             ('authorship = pg_temp.flip(authorship)', 'the hash is not that of the entry'),
             ('table_name = ''perf.other''', 'the hash is not that of the entry'),
             ('operation = ''delete''', 'the hash is not that of the entry'),
             ('hash = pg_temp.flip(hash)', 'the hash is not that of the entry'),
             ('hash = ''''', 'the hash is not that of the entry'),
             ('prev_hash = pg_temp.flip(prev_hash)', 'the hash is not that of the entry'),
             ('content = authorship, authorship = content', 'the hash is not that of the entry'),
             ('sequence = 3000', 'the entry is missing'),
             ('content = NULL, content_digest = perfmgmt.part_digest(''content'', content)', 'a part was erased and no entry says who decided'),
             ('authorship = NULL, authorship_digest = perfmgmt.part_digest(''authorship'', authorship)', 'a part was erased and no entry says who decided'),
             ('content = NULL, content_digest = sha256(content)', 'the hash is not that of the entry')
     ) AS v(change, problem);
-- each byte of each field, one after the other
CREATE FUNCTION pg_temp.unnoticed(of_subject int, of_sequence bigint) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    flipped record;
    found text;
BEGIN
    FOR flipped IN
        SELECT f.field, i, f.change
        FROM perf.audit_entry e
        CROSS JOIN LATERAL (VALUES ('content', length(e.content), 'content = set_byte(content, %1$s, get_byte(content, %1$s) # %2$s)'),
                                   ('authorship', length(e.authorship), 'authorship = set_byte(authorship, %1$s, get_byte(authorship, %1$s) # %2$s)'),
                                   ('prev_hash', 32, 'prev_hash = set_byte(prev_hash, %1$s, get_byte(prev_hash, %1$s) # %2$s)'),
                                   ('hash', 32, 'hash = set_byte(hash, %1$s, get_byte(hash, %1$s) # %2$s)'),
                                   ('table_name', length(e.table_name), 'table_name = overlay(table_name PLACING chr(ascii(substr(table_name, %1$s + 1)) # 1) FROM %1$s + 1 FOR 1)'),
                                   ('operation', length(e.operation), 'operation = overlay(operation PLACING chr(ascii(substr(operation, %1$s + 1)) # 1) FROM %1$s + 1 FOR 1)')) f(field, bytes, change)
        CROSS JOIN LATERAL generate_series(0, f.bytes - 1) i
        WHERE e.subject = of_subject AND e.sequence = of_sequence
    LOOP
        found := pg_temp.attack(format('UPDATE perf.audit_entry SET ' || flipped.change || ' WHERE subject = %3$s AND sequence = %4$s',
                                       flipped.i, 1 << (flipped.i % 8), of_subject, of_sequence));
        IF found <> format('broken audit_entry %s %s the hash is not that of the entry', of_subject, of_sequence) THEN
            RETURN NEXT format('%s, byte %s: %s', flipped.field, flipped.i, found);
        END IF;
    END LOOP;
END
$$;
SELECT cmp_ok(min(length(content) + length(authorship)), '>', 150, 'two entries with both parts') FROM perf.audit_entry WHERE subject = 8 AND sequence IN (3, pg_temp.tail(8));
SELECT is_empty('SELECT pg_temp.unnoticed(8, 3)', 'any flipped byte of any field of a sealed entry');
SELECT is_empty('SELECT pg_temp.unnoticed(8, pg_temp.tail(8))', 'and of one that is not sealed');
SELECT is(pg_temp.attack('DELETE FROM perf.audit_entry WHERE subject = 8 AND sequence = 3'), 'broken audit_entry 8 3 the entry is missing', 'deleted in the middle');
SELECT is(pg_temp.attack('DELETE FROM perf.audit_entry WHERE subject = 8 AND sequence = 1'), 'broken audit_entry 8 1 the entry is missing', 'deleted at the begin');
SELECT is(pg_temp.attack('DELETE FROM perf.audit_entry WHERE (subject, sequence) = (8, pg_temp.tail(8))'),
          format('broken audit_entry 8 %s the entry is missing', pg_temp.tail(8)), 'deleted tail');
SELECT is(pg_temp.attack('DELETE FROM perf.audit_entry WHERE subject = 8 AND sequence >= pg_temp.tail(8) - 1;
                          UPDATE perf.audit_head h SET (sequence, hash) = (SELECT e.sequence, e.hash FROM perf.audit_entry e WHERE e.subject = 8 ORDER BY sequence DESC LIMIT 1) WHERE subject = 8'),
          format('broken audit_entry 8 %s the entry was sealed and is missing', pg_temp.tail(8) - 1), 'deleted tail with a fitting head, sealed');
SELECT is(pg_temp.attack('DELETE FROM perf.audit_entry WHERE subject = 8'), 'broken audit_entry 8 1 the chain is missing', 'deleted chain');
SELECT is(pg_temp.attack('DELETE FROM perf.audit_entry WHERE subject = 8; DELETE FROM perf.audit_head WHERE subject = 8'),
          'broken audit_entry 8 1 the chain was sealed and is missing', 'deleted chain and head');
SELECT is(pg_temp.attack('DELETE FROM perf.audit_entry WHERE subject = 8; DELETE FROM perf.audit_head WHERE subject = 8; DELETE FROM perf.audit_block_head WHERE subject = 8'),
          'broken audit_block 0 1 entries that the block sealed are missing', 'deleted chain, head and sealed heads');
SELECT is(pg_temp.attack('DELETE FROM perf.audit_head WHERE subject = 8'), format('broken audit_head 8 %s the chain has no head', pg_temp.tail(8)), 'deleted head');
SELECT is(pg_temp.attack('UPDATE perf.audit_head SET hash = pg_temp.flip(hash) WHERE subject = 8'),
          format('broken audit_head 8 %s the head is not the last entry', pg_temp.tail(8)), 'flipped head');
SELECT is(pg_temp.attack('UPDATE perf.audit_head SET sequence = sequence - 1 WHERE subject = 8'),
          format('broken audit_entry 8 %s the entry is beyond the head of the chain', pg_temp.tail(8)), 'head set back');
SELECT is(pg_temp.attack('DELETE FROM perf.audit_entry; DELETE FROM perf.audit_head; DELETE FROM perf.audit_block; DELETE FROM perf.audit_block_head', digest),
          format('broken audit_block 0 %s the block of the digest is missing', digest ->> 'block'), 'everything deleted, with a digest') FROM kept;
SELECT is(pg_temp.attack('DELETE FROM perf.audit_entry; DELETE FROM perf.audit_head; DELETE FROM perf.audit_block; DELETE FROM perf.audit_block_head'),
          'unanchored', 'without one nobody can say');
SELECT is(pg_temp.attack('UPDATE perf.audit_entry SET sequence = CASE sequence WHEN 2 THEN -3 ELSE -2 END WHERE subject = 8 AND sequence IN (2, 3);
                          UPDATE perf.audit_entry SET sequence = -sequence WHERE sequence < 0'),
          'broken audit_entry 8 2 the hash is not that of the entry', 'swapped');
SELECT is(pg_temp.attack('INSERT INTO perf.audit_entry SELECT subject, sequence + 1000, table_name, operation, content, authorship, NULL, NULL, prev_hash, hash
                          FROM perf.audit_entry WHERE subject = 8 AND sequence = 3'),
          format('broken audit_entry 8 %s the entry is missing', pg_temp.tail(8) + 1), 'duplicated');
SELECT is(pg_temp.attack('ALTER TABLE perf.audit_entry DROP CONSTRAINT audit_entry_pkey;
                          INSERT INTO perf.audit_entry SELECT * FROM perf.audit_entry WHERE subject = 8 AND sequence = 3'),
          'broken audit_entry 8 3 the entry is there twice, or its sequence is below 1', 'duplicated with the same number');
SELECT is(pg_temp.attack('UPDATE perf.audit_entry SET subject = 9, sequence = pg_temp.tail(9) + 1 WHERE subject = 8 AND sequence = pg_temp.tail(8)'),
          format('broken audit_entry 8 %s the entry is missing', pg_temp.tail(8)), 'moved to another person');
SELECT is(pg_temp.attack('UPDATE perf.audit_entry SET subject = CASE subject WHEN 8 THEN -9 ELSE -8 END WHERE subject IN (8, 9);
                          UPDATE perf.audit_entry SET subject = -subject WHERE subject < 0'),
          'broken audit_entry 8 1 the hash is not that of the entry', 'chains exchanged');

-- who knows how hashes are made
CREATE FUNCTION pg_temp.rewrite(of_subject int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    e record;
    prev bytea := decode(repeat('00', 32), 'hex');
BEGIN
    FOR e IN SELECT * FROM perf.audit_entry WHERE subject = of_subject ORDER BY sequence LOOP
        UPDATE perf.audit_entry a SET prev_hash = prev, hash = perfmgmt.chain_hash(prev,
            perfmgmt.audit_header(e.subject, e.sequence, e.table_name, e.operation),
            coalesce(perfmgmt.part_digest('content', e.content), e.content_digest),
            coalesce(perfmgmt.part_digest('authorship', e.authorship), e.authorship_digest))
        WHERE a.subject = e.subject AND a.sequence = e.sequence RETURNING a.hash INTO prev;
    END LOOP;
    UPDATE perf.audit_head SET hash = prev WHERE subject = of_subject;
END
$$;
CREATE FUNCTION pg_temp.rewrite_blocks() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    b record;
    prev bytea := decode(repeat('00', 32), 'hex');
BEGIN
    UPDATE perf.audit_block_head h SET hash = e.hash FROM perf.audit_entry e WHERE (e.subject, e.sequence) = (h.subject, h.sequence);
    FOR b IN SELECT * FROM perf.audit_block ORDER BY block LOOP
        UPDATE perf.audit_block k SET previous_hash = prev,
            entries_root = (SELECT perfmgmt.merkle_tree(e.hash ORDER BY e.subject, e.sequence) FROM perf.audit_entry e
                            WHERE (SELECT min(h.block) FROM perf.audit_block_head h WHERE h.subject = e.subject AND h.sequence >= e.sequence) = b.block),
            heads_root = (SELECT perfmgmt.merkle_tree(int4send(h.subject) || int8send(h.sequence) || h.hash ORDER BY h.subject)
                          FROM perf.audit_block_head h WHERE h.block = b.block)
        WHERE k.block = b.block;
        UPDATE perf.audit_block k SET hash = perfmgmt.block_hash(k.block, k.previous_hash, k.entries, k.heads, k.entries_root, k.heads_root,
            k.sealed_at, k.system_identifier, k.timeline, k.database_oid, k.incarnation)
        WHERE k.block = b.block RETURNING k.hash INTO prev;
    END LOOP;
END
$$;
SELECT is(pg_temp.attack('SELECT pg_temp.rewrite(8); SELECT pg_temp.rewrite_blocks()', digest), 'anchored_ok', 'a rewrite that changes nothing gives the same hashes') FROM kept;
SELECT is(pg_temp.attack('UPDATE perf.audit_entry SET content = pg_temp.flip(content) WHERE subject = 8 AND sequence = 3; SELECT pg_temp.rewrite(8)'),
          format('broken audit_entry 8 %s the entry is not the one that was sealed',
                 (SELECT min(sequence) FROM perf.audit_block_head WHERE subject = 8 AND sequence >= 3)), 'a chain rewritten');
SELECT is(pg_temp.attack('DELETE FROM perf.audit_entry WHERE subject = 8 AND sequence = 3;
                          UPDATE perf.audit_entry SET sequence = -sequence + 1 WHERE subject = 8 AND sequence > 3;
                          UPDATE perf.audit_entry SET sequence = -sequence WHERE sequence < 0;
                          UPDATE perf.audit_head SET sequence = sequence - 1 WHERE subject = 8; SELECT pg_temp.rewrite(8)'),
          format('broken audit_entry 8 %s the entry is not the one that was sealed',
                 (SELECT min(sequence) FROM perf.audit_block_head WHERE subject = 8 AND sequence >= 3)), 'spliced and rewritten');
SELECT $$UPDATE perf.audit_entry SET content = pg_temp.flip(content) WHERE subject = 8 AND sequence = 3;
         SELECT pg_temp.rewrite(8); SELECT pg_temp.rewrite_blocks()$$ AS rewritten \gset
SELECT is(pg_temp.attack(:'rewritten'), 'unanchored', 'all rewritten, blocks included: consistent');
SELECT is(pg_temp.attack(:'rewritten', digest), format('broken audit_block 0 %s the block is not the one of the digest', digest ->> 'block'), 'but not what the digest says')
FROM kept;

SELECT is(pg_temp.attack('UPDATE perf.audit_block SET ' || change || ' WHERE block = 1'), 'broken audit_block 0 ' || problem, 'a block: ' || change)
FROM (VALUES ('entries = entries + 1', '1 the hash is not that of the block'), ('heads = heads + 1', '1 the hash is not that of the block'),
             ('entries_root = pg_temp.flip(entries_root)', '1 the hash is not that of the block'),
             ('heads_root = pg_temp.flip(heads_root)', '1 the hash is not that of the block'),
             ('sealed_at = sealed_at + interval ''1 us''', '1 the hash is not that of the block'),
             ('system_identifier = system_identifier + 1', '1 the hash is not that of the block'),
             ('timeline = timeline + 1', '1 the hash is not that of the block'), ('database_oid = 1', '1 the hash is not that of the block'),
             ('incarnation = 7', '1 the hash is not that of the block'), ('hash = pg_temp.flip(hash)', '1 the hash is not that of the block'),
             ('previous_hash = hash', '1 the block does not follow the one before'), ('block = 100', '1 the block is missing')) AS v(change, problem);
SELECT is(pg_temp.attack('UPDATE perf.audit_block_head SET hash = pg_temp.flip(hash) WHERE subject = 8 AND block = 1'),
          format('broken audit_entry 8 %s the entry is not the one that was sealed', (SELECT sequence FROM perf.audit_block_head WHERE subject = 8 AND block = 1)), 'a sealed head flipped');
SELECT is(pg_temp.attack('DELETE FROM perf.audit_block_head WHERE subject = 8 AND block = 1'),
          'broken audit_block 0 1 entries that the block sealed are missing', 'a sealed head deleted');
-- yesterday's backup, continued
SELECT is(pg_temp.attack(format('DELETE FROM perf.audit_block WHERE block = %1$s; DELETE FROM perf.audit_block_head WHERE block = %1$s', digest ->> 'block'), digest),
          format('broken audit_block 0 %s the block of the digest is missing', digest ->> 'block'), 'an older state') FROM kept;
SELECT is(pg_temp.attack(format('DELETE FROM perf.audit_block WHERE block = %1$s; DELETE FROM perf.audit_block_head WHERE block = %1$s; SELECT perf.seal_audit()', digest ->> 'block'), digest),
          format('broken audit_block 0 %s the block is not the one of the digest', digest ->> 'block'), 'an older state, sealed again') FROM kept;

-- Since an anchor: two entries of person 8 came after it, one of them sealed.
CREATE FUNCTION pg_temp.anchored(attack text) RETURNS text LANGUAGE sql AS 'SELECT pg_temp.attack($1, NULL, (SELECT digest FROM anchor))';
SELECT is((SELECT (v.status, v.entries, v.unsealed, v.redacted, v.anchored_blocks = (a.digest ->> 'block')::bigint, v.blocks = v.anchored_blocks + 1)::text
           FROM anchor a CROSS JOIN LATERAL perf.verify_audit(since => a.digest) v),
          ('anchored_ok'::text, 2::bigint, 1::bigint, 0::bigint, true, true)::text, 'since an anchor: what came after it is checked');
SELECT is((SELECT v.status || ' ' || (v.anchored_blocks - (a.digest ->> 'block')::bigint) FROM anchor a CROSS JOIN kept k CROSS JOIN LATERAL perf.verify_audit(k.digest, a.digest) v),
          'anchored_ok 1', 'and with a newer digest anchored up to that');
SELECT is(pg_temp.anchored(attack), 'broken ' || problem, 'since an anchor: ' || attack)
FROM (SELECT (SELECT max(h.sequence) FROM perf.audit_block_head h
              WHERE h.subject = 8 AND h.block <= (digest ->> 'block')::bigint) AS last FROM anchor) a
CROSS JOIN LATERAL (VALUES
    (format('UPDATE perf.audit_entry SET content = pg_temp.flip(content) WHERE subject = 8 AND sequence = %s', last + 1),
     format('audit_entry 8 %s the hash is not that of the entry', last + 1)),
    (format('UPDATE perf.audit_entry SET authorship = pg_temp.flip(authorship) WHERE subject = 8 AND sequence = %s', last + 2),
     format('audit_entry 8 %s the hash is not that of the entry', last + 2)),
    (format('DELETE FROM perf.audit_entry WHERE subject = 8 AND sequence = %s', last + 1), format('audit_entry 8 %s the entry is missing', last + 1)),
    (format('DELETE FROM perf.audit_entry WHERE subject = 8 AND sequence = %s', last + 2), format('audit_entry 8 %s the entry is missing', last + 2)),
    (format('DELETE FROM perf.audit_entry WHERE subject = 8 AND sequence = %s', last), format('audit_entry 8 %s the entry was sealed and is missing', last)),
    (format('UPDATE perf.audit_entry SET content = pg_temp.flip(content) WHERE subject = 8 AND sequence = %s', last),
     format('audit_entry 8 %s the hash is not that of the entry', last)),
    ('DELETE FROM perf.audit_entry WHERE subject = 8', 'audit_entry 8 1 the chain is missing'),
    ('INSERT INTO perf.audit_entry SELECT 9000, 1, table_name, operation, content, authorship, NULL, NULL, prev_hash, hash
      FROM perf.audit_entry WHERE subject = 8 AND sequence = 1', 'audit_entry 9000 1 the hash is not that of the entry'),
    ('DELETE FROM perf.audit_head WHERE subject = 8', format('audit_head 8 %s the chain has no head', last + 2)),
    (format('UPDATE perf.audit_block_head SET hash = pg_temp.flip(hash) WHERE subject = 8 AND sequence = %s', last),
     format('audit_entry 8 %s the entry is not the one that was sealed', last)),
    ('UPDATE perf.audit_block SET sealed_at = sealed_at + interval ''1 us'' WHERE block = 1', 'audit_block 0 1 the hash is not that of the block')
) AS v(attack, problem);
SELECT is(pg_temp.anchored('DELETE FROM perf.audit_block_head WHERE subject = 9'), 'broken audit_block 0 1 entries that the block sealed are missing', 'since an anchor: a sealed head deleted');
SELECT is(pg_temp.anchored('UPDATE perf.audit_entry SET content = pg_temp.flip(content) WHERE subject = 8 AND sequence = 1'), 'anchored_ok',
          'what was verified before is not read again');
SELECT is(pg_temp.anchored('UPDATE perf.audit_entry SET content = pg_temp.flip(content) WHERE subject = 8 AND sequence = 1; SELECT pg_temp.rewrite(8)'),
          format('broken audit_entry 8 %s the entry is not the one that was sealed', (SELECT max(sequence) FROM perf.audit_block_head b, anchor a
                 WHERE b.subject = 8 AND b.block <= (a.digest ->> 'block')::bigint)), 'but a chain that was rewritten does not go on from it');
SELECT is(pg_temp.anchored(:'rewritten'), format('broken audit_block 0 %s the block is not the one of the digest', digest ->> 'block'), 'an anchor that is not in the ledger') FROM anchor;
SELECT is(pg_temp.attack('SELECT 1', NULL, '{"format": "perfmgmt-audit-1", "block": 4711, "hash": "00"}'), 'broken audit_block 0 4711 the block of the digest is missing', 'nor is a block that comes later');
SELECT throws_ok($$SELECT perf.verify_audit(since => '{"block": 1}')$$, '22023', 'not a digest of the ledger');
SELECT is((SELECT status FROM perf.verify_audit((SELECT digest FROM kept))), 'anchored_ok', 'all attacks are undone');

-- the triggers off, an edit, the triggers on
CREATE FUNCTION pg_temp.behind(edit text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    BEGIN
        ALTER TABLE perf.assessment DISABLE TRIGGER ALL;
        EXECUTE edit;
        ALTER TABLE perf.assessment ENABLE TRIGGER ALL;
        SELECT v.status || ', ' || coalesce(string_agg(concat_ws(' ', r.table_name, r.subject, r.problem), '; ') FILTER (WHERE r.problem IS NOT NULL), 'nothing') INTO found
        FROM perf.verify_audit() v LEFT JOIN perf.reconcile_audit() r ON true GROUP BY v.status;
        RAISE EXCEPTION USING ERRCODE = 'ZZ001';
    EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
        RETURN found;
    END;
END
$$;
SELECT is(pg_temp.behind('SELECT 1'), 'unanchored, nothing', 'behind the triggers: nothing');
SELECT is(pg_temp.behind('UPDATE perf.assessment SET potential = 4 WHERE employee_id = 12 AND review_cycle_id = 2'),
          'unanchored, perf.assessment 12 the row is not as the ledger says', 'an update');
SELECT is(pg_temp.behind('DELETE FROM perf.assessment WHERE employee_id = 12 AND review_cycle_id = 2'), 'unanchored, perf.assessment 12 the row is missing', 'a delete');
SELECT is(pg_temp.behind('INSERT INTO perf.assessment (employee_id, review_cycle_id, job_performance, source, summary, manager_chain)
                          SELECT 12, 2, 5, ''manager'', ''x'', manager_chain FROM perf.employee WHERE employee_id = 12'),
          'unanchored, perf.assessment 12 the row is not in the ledger', 'an insert');
SELECT is(pg_temp.behind('ALTER TABLE perf.assessment ADD note text DEFAULT ''x'''), 'unanchored, nothing', 'a column more is no difference');

-- Who may -------------------------------------------------------------------
SET LOCAL ROLE perfmgmt_auditor;
SELECT is((SELECT count(*) FROM perf.audit_entry), 0::bigint, 'an auditor without an appointment reads nothing');
SELECT throws_ok($$SELECT perf.set_reason('x')$$, '42501', NULL, 'and does not write');
SELECT throws_ok('INSERT INTO perf.audit_entry (subject) VALUES (1)', '42501');
RESET ROLE;
SET LOCAL ROLE perfmgmt_engine;
SELECT throws_ok('DELETE FROM perf.audit_entry', '42501', NULL, 'nor do the privileged routines');
SELECT throws_ok('UPDATE perf.audit_head SET sequence = 1', '42501');
RESET ROLE;
SET LOCAL ROLE perfmgmt_ledger;
SELECT throws_ok('UPDATE perf.audit_entry SET content = ''x'' WHERE subject = 8', '42501', NULL, 'the owner erases parts, and writes no others');
DELETE FROM perf.audit_entry;
RESET ROLE;
SELECT ok((SELECT count(*) FROM perf.audit_entry) > 0, 'nor removes entries');
SELECT throws_ok('SET LOCAL ROLE perfmgmt_ledger; INSERT INTO perf.audit_entry SELECT * FROM perf.audit_entry LIMIT 1', '42501', NULL, 'nor adds some');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
