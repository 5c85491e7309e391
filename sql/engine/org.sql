-- Reading files of comma-separated values, for the imports.

CREATE FUNCTION perfmgmt.csv_records(lines text[])
RETURNS TABLE (line_number int, fields text[])
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 1000
AS 'MODULE_PATHNAME', 'perfmgmt_csv_records';
COMMENT ON FUNCTION perfmgmt.csv_records(text[]) IS
'records of a file of comma-separated values (RFC 4180), given as its physical lines in order: line_number is the first physical line of the record, from 1; fields has an element a field.
An empty field is NULL, a quoted empty field is an empty string; a quoted field may hold commas, quotes written twice and line ends (given back as line feeds). Empty lines are skipped. A byte order mark before line 1 and a carriage return at the end of a line are removed; other white space is kept.
A malformed record (a quote inside a field without quotes, text after a closing quote, a quote that never closes) has fields NULL, and reading starts anew on the line after line_number.
Errors: 2202E lines with more than one dimension';
