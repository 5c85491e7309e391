-- The ledger as examples/verify reads it: psql -X -f examples/verify.sql
-- One transaction, so one state of all tables. Needs a superuser or BYPASSRLS.
-- Names go out as bytes, as the hashes have them: UTF-8, or in a database in
-- SQL_ASCII as they are.
\set QUIET on
\pset format unaligned
\pset tuples_only on
\pset fieldsep '|'
\pset null 'null'
\set FETCH_COUNT 10000
SELECT CASE getdatabaseencoding() WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END AS names \gset
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT 'block', block, encode(previous_hash, 'hex'), entries, heads, encode(entries_root, 'hex'), encode(heads_root, 'hex'),
       (extract(epoch FROM sealed_at) * 1000000)::bigint - 946684800000000, system_identifier, timeline, database_oid, incarnation, encode(hash, 'hex')
FROM perf.audit_block ORDER BY block;
SELECT 'sealed', subject, sequence, block, encode(hash, 'hex') FROM perf.audit_block_head ORDER BY subject DESC, sequence DESC;
SELECT 'head', subject, sequence, encode(hash, 'hex') FROM perf.audit_head ORDER BY subject DESC;
SELECT 'entry', subject, sequence, encode(convert_to(table_name, :'names'), 'hex'), encode(convert_to(operation, :'names'), 'hex'),
       encode(content, 'hex'), encode(authorship, 'hex'), encode(content_digest, 'hex'), encode(authorship_digest, 'hex'),
       encode(prev_hash, 'hex'), encode(hash, 'hex')
FROM perf.audit_entry ORDER BY subject, sequence;
COMMIT;
SELECT 'end';
