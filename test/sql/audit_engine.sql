-- Ledger engine: canonical encoding, Merkle trees, hashes. The expected bytes
-- are golden: an independent verifier relies on them, and they never change.
\pset null '(null)'

--
-- canonical: every type, with its extremes
--
SELECT perfmgmt.canonical(true) AS t, perfmgmt.canonical(false) AS f, perfmgmt.canonical(NULL::int) AS nothing;
SELECT perfmgmt.canonical(1::int2), perfmgmt.canonical('-32768'::int2) AS lowest;
SELECT perfmgmt.canonical(1), perfmgmt.canonical('-2147483648'::int) AS lowest;
SELECT perfmgmt.canonical(1::int8), perfmgmt.canonical('-9223372036854775808'::int8) AS lowest;
SELECT perfmgmt.canonical('Zoë'::text) AS text, perfmgmt.canonical(''::text) AS empty,
       perfmgmt.canonical('Zoë'::varchar) AS varchar, perfmgmt.canonical('Zoë'::name) AS name;
SELECT perfmgmt.canonical('\x00ff'::bytea) AS bytea, perfmgmt.canonical('11111111-2222-3333-4444-555555555555'::uuid) AS uuid;
SELECT perfmgmt.canonical(date '2000-01-02') AS date, perfmgmt.canonical(date '0044-03-15 BC') AS bc,
       perfmgmt.canonical(date 'infinity') AS infinity, perfmgmt.canonical(date '-infinity') AS minus_infinity;
SELECT perfmgmt.canonical(timestamptz '2000-01-01 00:00:01+00') AS second, perfmgmt.canonical(timestamptz '2026-06-30 12:00:00.000001+02') AS micro,
       perfmgmt.canonical(timestamptz 'infinity') AS infinity;
SELECT perfmgmt.canonical(1.50) AS numeric, perfmgmt.canonical(1.5) AS scale, perfmgmt.canonical('-0.00001'::numeric) AS small,
       perfmgmt.canonical('NaN'::numeric) AS nan;
SELECT perfmgmt.canonical('18446744073709551615'::xid8) AS xid8;
SELECT perfmgmt.canonical('{"b": [1, 2.50, null], "a": "ë", "cc": {}}'::jsonb) AS jsonb;
SELECT perfmgmt.canonical('{1,NULL,3}'::int[]) AS ints, perfmgmt.canonical('{}'::int[]) AS empty;
SELECT perfmgmt.canonical('{5,4}'::smallint[]) AS smallints, perfmgmt.canonical('{{1,2},{3,4}}'::smallint[]) AS matrix;
SELECT perfmgmt.canonical('{1,-2}'::bigint[]) AS bigints;
SELECT perfmgmt.canonical('{a,NULL,""}'::text[]) AS texts, perfmgmt.canonical('[2:2]={a}'::text[]) AS from_two;
SELECT perfmgmt.canonical('[2026-01-01,2026-07-01)'::daterange) AS daterange, perfmgmt.canonical('[2026-01-01,)'::daterange) AS open,
       perfmgmt.canonical('empty'::daterange) AS empty;
SELECT perfmgmt.canonical('[1,10]'::int4range) AS int4range, perfmgmt.canonical('(,)'::int4range) AS all_of_it;
-- of other types: the name, and what the send function gives
SELECT perfmgmt.canonical('1 day'::interval) AS interval, perfmgmt.canonical('10.0.0.1'::inet) AS inet;

-- a domain is its type
CREATE DOMAIN percent AS int CHECK (VALUE BETWEEN 0 AND 100);
SELECT perfmgmt.canonical(50::percent) = perfmgmt.canonical(50) AS same;

-- rows: names and values
SELECT perfmgmt.canonical_row(r) FROM (SELECT 7 AS employee_id, NULL::text AS comment) r;
SELECT perfmgmt.canonical_row_json(r)
FROM (SELECT true AS bool, 1::int2 AS int2, -2 AS int4, 3::int8 AS int8, 'Zoë' AS text, NULL::text AS nothing, 'n'::name AS name, '\x00ff'::bytea AS bytea,
             date '2026-06-30' AS date, timestamptz '2026-06-30 12:00+02' AS timestamptz, 1.50 AS numeric, '12'::xid8 AS xid8,
             '{"a": 1}'::jsonb AS jsonb, '"s"'::jsonb AS scalar, '{1,NULL}'::int[] AS ints, '{a}'::text[] AS texts,
             '[2026-01-01,)'::daterange AS daterange, '[1,3)'::int4range AS int4range,
             '11111111-2222-3333-4444-555555555555'::uuid AS uuid, '{}'::int[] AS empty) r;

--
-- the same bytes whatever the session's settings
--
CREATE TABLE sample AS SELECT timestamptz '2026-03-29 01:30+00' AS at, date '2026-03-29' AS day, 1234.5 AS amount,
    '{2026-03-29 01:30+00}'::timestamptz[] AS ats, '{"a": 1.5}'::jsonb AS document, '["2026-03-29 01:30+00",)'::tstzrange AS during, interval '1 month' AS term;
CREATE TABLE seen AS SELECT perfmgmt.canonical_row(s) AS bytes, perfmgmt.canonical_row_json(s) AS document FROM sample s;
SET TimeZone = 'Asia/Kathmandu';
SET DateStyle = 'SQL, DMY';
SET IntervalStyle = 'iso_8601';
SET bytea_output = 'escape';
SET extra_float_digits = 0;
SET lc_numeric = 'C';
SET client_encoding = 'LATIN1';
SELECT perfmgmt.canonical_row(s) = bytes AS same_bytes, perfmgmt.canonical_row_json(s) = n.document AS same_document FROM sample s, seen n;
RESET ALL;

--
-- merkle_root: the vectors of RFC 6962 implementations
--
CREATE TABLE leaf (n int, leaf bytea);
INSERT INTO leaf VALUES (1, ''), (2, '\x00'), (3, '\x10'), (4, '\x2021'), (5, '\x3031'), (6, '\x40414243'),
    (7, '\x5051525354555657'), (8, '\x606162636465666768696a6b6c6d6e6f');
SELECT count, perfmgmt.merkle_root(ARRAY(SELECT leaf FROM leaf WHERE n <= count ORDER BY n)) AS root,
       perfmgmt.merkle_root(ARRAY(SELECT leaf FROM leaf WHERE n <= count ORDER BY n))
       = (SELECT perfmgmt.merkle_tree(leaf ORDER BY n) FROM leaf WHERE n <= count) AS as_aggregate
FROM generate_series(0, 8) count;
-- against the recursive definition
CREATE FUNCTION tree(leaves bytea[]) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
    half int := 1;
BEGIN
    IF cardinality(leaves) = 0 THEN RETURN sha256(''); END IF;
    IF cardinality(leaves) = 1 THEN RETURN sha256('\x00' || leaves[1]); END IF;
    WHILE half * 2 < cardinality(leaves) LOOP half := half * 2; END LOOP;
    RETURN sha256('\x01' || tree(leaves[1:half]) || tree(leaves[half + 1:]));
END
$$;
SELECT count(*) AS wrong FROM generate_series(0, 70) n
WHERE perfmgmt.merkle_root(ARRAY(SELECT int4send(i) FROM generate_series(1, n) i)) <> tree(ARRAY(SELECT int4send(i) FROM generate_series(1, n) i));
SELECT perfmgmt.merkle_root('{NULL}');
SELECT perfmgmt.merkle_tree(leaf) FROM (VALUES ('\x00'::bytea), (NULL)) v(leaf);

-- paths: each leaf of each tree climbs to the root, and another leaf does not
SELECT count(*) AS leaves, count(*) FILTER (WHERE climbed = root) AS right, count(*) FILTER (WHERE other = root) AS wrong, max(cardinality(path)) AS longest
FROM generate_series(1, 40) n
CROSS JOIN LATERAL (SELECT ARRAY(SELECT int4send(i) FROM generate_series(1, n) i) AS leaves) l
CROSS JOIN LATERAL (SELECT perfmgmt.merkle_root(leaves) AS root) r
CROSS JOIN generate_series(0, n - 1) i
CROSS JOIN LATERAL (SELECT perfmgmt.merkle_path(leaves, i) AS path) p
CROSS JOIN LATERAL (SELECT perfmgmt.merkle_climb(leaves[i + 1], i, n, path) AS climbed, perfmgmt.merkle_climb('x', i, n, path) AS other) c;
SELECT perfmgmt.merkle_path('{}', 0);
SELECT perfmgmt.merkle_path('{x}', 1);
SELECT perfmgmt.merkle_path('{x,NULL}', 0);
SELECT perfmgmt.merkle_climb('x', 0, 2, '{}') AS too_short, perfmgmt.merkle_climb('x', 0, 1, '{y}') AS too_long, perfmgmt.merkle_climb('x', 0, 2, '{NULL}') AS nothing;
SELECT perfmgmt.merkle_climb('x', -1, 2, '{}');

--
-- an entry: the golden hash, and the definition in SQL
--
SELECT perfmgmt.audit_header(7, 3, 'perf.employee', 'update') AS header;
SELECT perfmgmt.part_digest('content', '\x0102') AS content, perfmgmt.part_digest('authorship', '\x0102') AS authorship;
SELECT perfmgmt.part_digest('content', '\x0102') = sha256('\x020102') AS content, perfmgmt.part_digest('authorship', '\x0102') = sha256('\x030102') AS authorship;
SELECT perfmgmt.chain_hash(sha256('p'), perfmgmt.audit_header(7, 3, 'perf.employee', 'update'), sha256('c'), sha256('a')) AS hash,
       perfmgmt.chain_hash(sha256('p'), perfmgmt.audit_header(7, 3, 'perf.employee', 'update'), sha256('c'), sha256('a'))
       = sha256('\x04' || perfmgmt.audit_header(7, 3, 'perf.employee', 'update') || sha256('c') || sha256('a') || sha256('p')) AS as_defined;
SELECT perfmgmt.block_hash(2, sha256('p'), 5, 3, sha256('e'), sha256('h'), '2026-06-30 12:00+00', 7000000000000000001, 1, 16384, 1) AS block;
SELECT perfmgmt.part_digest('header', '');
SELECT perfmgmt.chain_hash('', '', sha256('c'), sha256('a'));
SELECT perfmgmt.chain_hash(sha256('p'), '', '\x00', sha256('a'));

--
-- damaged entries are refused, not read
--
SELECT perfmgmt.audit_content('');
SELECT perfmgmt.audit_content(decode(repeat('00', 16), 'hex') || '\x02');
SELECT perfmgmt.audit_content(decode(repeat('00', 16), 'hex') || '\x0100' || '\x00000000' || '\x00000000') AS empty;
SELECT perfmgmt.audit_content(decode(repeat('00', 16), 'hex') || '\x0100' || '\x00000000' || '\x0000000000') AS too_long;
SELECT perfmgmt.audit_content(decode(repeat('00', 16), 'hex') || '\x0100' || '\x00000000' || '\x00000005') AS too_short;
SELECT perfmgmt.audit_content(decode(repeat('00', 16), 'hex') || '\x0105ffffffff') AS negative_length;
SELECT perfmgmt.audit_content(decode(repeat('00', 16), 'hex') || '\x010d03037fffffff000000007fffffff000000007fffffff00000000') AS huge_array;
DROP FUNCTION tree;
DROP TABLE leaf, sample, seen;
DROP DOMAIN percent;
