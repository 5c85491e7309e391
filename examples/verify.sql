-- The ledger as examples/verify reads it: psql -X -A -t -f examples/verify.sql
-- One transaction, so one state of all tables. Needs a superuser or BYPASSRLS.
\set QUIET on
\pset format unaligned
\pset tuples_only on
\pset fieldsep '|'
\pset null ''
\set FETCH_COUNT 10000
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT 'block', block, encode(previous_hash, 'hex'), entries, heads, encode(entries_root, 'hex'), encode(heads_root, 'hex'),
       (extract(epoch FROM sealed_at) * 1000000)::bigint - 946684800000000, system_identifier, timeline, database_oid, incarnation, encode(hash, 'hex')
FROM perf.audit_block ORDER BY block;
SELECT 'sealed', subject, sequence, block, encode(hash, 'hex') FROM perf.audit_block_head ORDER BY subject, sequence DESC;
SELECT 'head', subject, sequence, encode(hash, 'hex') FROM perf.audit_head ORDER BY subject;
SELECT 'entry', subject, sequence, table_name, operation, encode(content, 'hex'), encode(authorship, 'hex'),
       encode(content_digest, 'hex'), encode(authorship_digest, 'hex'), encode(prev_hash, 'hex'), encode(hash, 'hex')
FROM perf.audit_entry ORDER BY subject, sequence;
COMMIT;
