-- Org engine: csv_records.
\pset null '(null)'

-- plain fields, an empty one, a quoted empty one
SELECT * FROM perfmgmt.csv_records(ARRAY['a,b,c', '1,,""', ',', 'alone', '""', ' kept , white space ']);

-- quotes: commas, doubled quotes, quotes alone
SELECT * FROM perfmgmt.csv_records(ARRAY['"a,b","say ""hi""","""",""""""', '"",x,""']);

-- a quoted field over several lines, with an empty line inside: the record has its first line
SELECT line_number, cardinality(fields) AS count, fields
FROM perfmgmt.csv_records(ARRAY['before', '1,"first', '', 'third",last', 'after']);

-- empty lines are skipped and counted
SELECT * FROM perfmgmt.csv_records(ARRAY['', 'a', '', NULL, E'\r', 'b', '']);

-- byte order mark at the start of line 1 alone, carriage returns at the end of each line
SELECT line_number, fields, fields = ARRAY[E'\xEF\xBB\xBF3'] AS mark_kept
FROM perfmgmt.csv_records(ARRAY[E'\xEF\xBB\xBFid,name\r', E'1,"a\r', E'b"\r', E'2,c\rd\r\r'])
UNION ALL
SELECT line_number, NULL, fields = ARRAY[E'\xEF\xBB\xBF3']
FROM perfmgmt.csv_records(ARRAY['', E'\xEF\xBB\xBF3'])
ORDER BY line_number, fields;
SELECT * FROM perfmgmt.csv_records(ARRAY[E'\xEF\xBB\xBF', 'a']);
SELECT * FROM perfmgmt.csv_records(ARRAY[E'\xEF\xBB\xBF"a,b"']);

-- letters of several bytes
SELECT line_number, fields = ARRAY['Zoë', 'Łódź, 漢字'] AS same
FROM perfmgmt.csv_records(ARRAY['Zoë,"Łódź, 漢字"']);

-- malformed, line by line: fields are NULL and the next line starts anew
SELECT * FROM perfmgmt.csv_records(ARRAY['a"b,c', 'next']);
SELECT * FROM perfmgmt.csv_records(ARRAY[' "a"', 'next']);
SELECT * FROM perfmgmt.csv_records(ARRAY['a,b"', 'next']);
SELECT * FROM perfmgmt.csv_records(ARRAY['"a"b,c', 'next']);
SELECT * FROM perfmgmt.csv_records(ARRAY['"a" ,c', 'next']);
SELECT * FROM perfmgmt.csv_records(ARRAY['"', 'next']);
SELECT * FROM perfmgmt.csv_records(ARRAY['a,"never closed', 'next,1', '"good, one",2']);
SELECT * FROM perfmgmt.csv_records(ARRAY['1,"starts', 'goes on', 'ends"badly', '2,good']);
SELECT * FROM perfmgmt.csv_records(ARRAY['last,"']);
SELECT * FROM perfmgmt.csv_records(ARRAY['{{1,2}}']);
SELECT * FROM perfmgmt.csv_records('{{a},{b}}');

-- nothing in, nothing out
SELECT * FROM perfmgmt.csv_records('{}');
SELECT * FROM perfmgmt.csv_records(NULL);
SELECT * FROM perfmgmt.csv_records(ARRAY['']);

-- the lower bound of the array does not count; any place a function may stand
SELECT * FROM perfmgmt.csv_records('[5:6]={a,b}');
SELECT perfmgmt.csv_records(ARRAY['a,b', 'c']);
SELECT file, r.* FROM (VALUES (1, ARRAY['a', 'b']), (2, ARRAY['c'])) AS f(file, lines),
       LATERAL perfmgmt.csv_records(lines) AS r ORDER BY file, line_number;

-- many fields
SELECT cardinality(fields), fields[1], fields[1000], fields[1001]
FROM perfmgmt.csv_records(ARRAY[repeat('x,', 1000)]);

-- what is written is read back: every combination of four letters that matter
WITH letter(l) AS (VALUES ('a'), (','), ('"'), ('')),
value(v) AS (SELECT a.l || b.l || c.l || d.l FROM letter AS a, letter AS b, letter AS c, letter AS d),
line AS (SELECT v, '"' || replace(v, '"', '""') || '",x' AS line FROM value)
SELECT count(*) AS written, count(*) FILTER (WHERE r.fields = ARRAY[v, 'x']) AS read_back
FROM line LEFT JOIN LATERAL perfmgmt.csv_records(ARRAY[line]) AS r ON true;

-- a file full of forgotten quotes is read in linear time
SELECT count(*) AS records, count(fields) AS good
FROM perfmgmt.csv_records((SELECT array_agg(CASE WHEN n = 1 THEN '"open' ELSE n || ',""' END ORDER BY n)
                           FROM generate_series(1, 100000) AS n));
SELECT count(*) AS records, count(fields) AS good
FROM perfmgmt.csv_records((SELECT array_agg('"""' || n ORDER BY n) FROM generate_series(1, 100000) AS n));
