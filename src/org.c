/*
 * org.c
 *		Lines of managers, and the reader of comma-separated values that the
 *		imports stand on.
 *
 * The policies of leaders ask whether a row's manager_chain holds the actor.
 * PostgreSQL's own operator @> answers that, but is not marked leakproof, so
 * that beside a second policy on the same table no index serves it.  Ours
 * compares integers and cannot fail, which makes the mark honest; a GIN operator
 * class of its own lends it PostgreSQL's support functions.
 *
 * A loader hands over the physical lines of a file and gets its records back,
 * each with the number of the line where it starts, so that a complaint about a
 * record names a line that the user finds in an editor. COPY cannot do that:
 * it stops at the first malformed record and counts no lines inside quotes.
 */
#include "perfmgmt.h"

#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

typedef struct CsvReader
{
	/* the file */
	Datum	   *lines;
	bool	   *line_nulls;
	int			line_count;

	/* the line being read */
	int			line;			/* counted from 0 */
	const char *next;
	const char *end;

	/* the record being read */
	StringInfoData quoted;		/* a quoted field without its quotes */
	Datum	   *fields;
	bool	   *field_nulls;
	int			field_count;
	int			field_room;
} CsvReader;

PG_FUNCTION_INFO_V1(perfmgmt_csv_records);

static void
CheckLines(ArrayType *lines)
{
	if (ARR_NDIM(lines) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("lines have %d dimensions", ARR_NDIM(lines)),
				 errdetail("Expected is one dimension, an element a line.")));
}

/*
 * In other encodings the three bytes are letters. SQL_ASCII does not know what
 * its bytes mean; there they are a mark, because files in UTF-8 are usual.
 */
static bool
StartsWithMark(const CsvReader *reader)
{
	return (GetDatabaseEncoding() == PG_UTF8 ||
			GetDatabaseEncoding() == PG_SQL_ASCII) &&
		reader->end - reader->next >= strlen(BYTE_ORDER_MARK) &&
		memcmp(reader->next, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0;
}

/* Goes to a line, counted from 0; false past the last one. */
static bool
OpenLine(CsvReader *reader, int line)
{
	CHECK_FOR_INTERRUPTS();
	if (line >= reader->line_count)
		return false;

	reader->line = line;
	reader->next = "";
	reader->end = reader->next;
	if (!reader->line_nulls[line])
	{
		text	   *value = DatumGetTextPP(reader->lines[line]);

		reader->next = VARDATA_ANY(value);
		reader->end = reader->next + VARSIZE_ANY_EXHDR(value);
	}
	if (line == 0 && StartsWithMark(reader))
		reader->next += strlen(BYTE_ORDER_MARK);
	if (reader->end > reader->next && reader->end[-1] == '\r')
		reader->end--;
	return true;
}

static void
AddField(CsvReader *reader, const char *value, int length, bool isnull)
{
	if (reader->field_count == reader->field_room)
	{
		reader->field_room *= 2;
		reader->fields = repalloc(reader->fields,
								  reader->field_room * sizeof(Datum));
		reader->field_nulls = repalloc(reader->field_nulls,
									   reader->field_room * sizeof(bool));
	}
	reader->fields[reader->field_count] = isnull ? (Datum) 0 :
		PointerGetDatum(cstring_to_text_with_len(value, length));
	reader->field_nulls[reader->field_count] = isnull;
	reader->field_count++;
}

static bool
AtFieldEnd(const CsvReader *reader)
{
	return reader->next == reader->end || *reader->next == ',';
}

/* False for a quote inside the field. */
static bool
ReadPlainField(CsvReader *reader)
{
	const char *start = reader->next;

	for (; !AtFieldEnd(reader); reader->next++)
	{
		if (*reader->next == '"')
			return false;
	}
	AddField(reader, start, reader->next - start, reader->next == start);
	return true;
}

/*
 * Reads up to the quote that closes the field, over as many lines as it takes;
 * false if there is none.
 */
static bool
ReadQuoted(CsvReader *reader)
{
	for (;;)
	{
		const char *start = reader->next;
		const char *quote = memchr(start, '"', reader->end - start);

		appendBinaryStringInfo(&reader->quoted, start,
							   (quote ? quote : reader->end) - start);
		if (quote == NULL)
		{
			if (!OpenLine(reader, reader->line + 1))
				return false;
			appendStringInfoChar(&reader->quoted, '\n');
			continue;
		}

		reader->next = quote + 1;
		if (reader->next == reader->end || *reader->next != '"')
			return true;

		/* two quotes are one, and the field goes on */
		appendStringInfoChar(&reader->quoted, '"');
		reader->next++;
	}
}

static bool
ReadField(CsvReader *reader)
{
	if (reader->next == reader->end || *reader->next != '"')
		return ReadPlainField(reader);

	reader->next++;
	resetStringInfo(&reader->quoted);
	if (!ReadQuoted(reader) || !AtFieldEnd(reader))
		return false;
	AddField(reader, reader->quoted.data, reader->quoted.len, false);
	return true;
}

/* Reads the record that starts on the open line; false if it is malformed. */
static bool
ReadRecord(CsvReader *reader)
{
	reader->field_count = 0;
	while (ReadField(reader))
	{
		if (reader->next == reader->end)
			return true;
		reader->next++;			/* the comma */
	}
	return false;
}

static Datum
BuildFields(const CsvReader *reader)
{
	int			lower = 1;

	return PointerGetDatum(construct_md_array(reader->fields,
											  reader->field_nulls, 1,
											  (int *) &reader->field_count,
											  &lower, TEXTOID, -1, false,
											  TYPALIGN_INT));
}

/*
 * Reads the whole file into the result. After a malformed record the next line
 * starts anew, so that one forgotten quote does not swallow the file.
 *
 * Nevertheless no line is read more than twice. Only a line with an odd
 * number of quotes can begin a field that stays open, and the next such line
 * ends it or proves it malformed; the lines between them, read again, have an
 * even number and end where they begin.
 */
static void
ReadFile(CsvReader *reader, ReturnSetInfo *result)
{
	MemoryContext record_context =
		AllocSetContextCreate(CurrentMemoryContext, "csv record",
							  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller_context = CurrentMemoryContext;
	int			line = 0;

	while (OpenLine(reader, line))
	{
		Datum		values[2] = {Int32GetDatum(line + 1), (Datum) 0};
		bool		nulls[2] = {false, true};

		if (reader->next == reader->end)
		{
			line++;
			continue;
		}

		MemoryContextSwitchTo(record_context);
		if (ReadRecord(reader))
		{
			values[1] = BuildFields(reader);
			nulls[1] = false;
			line = reader->line;
		}
		MemoryContextSwitchTo(caller_context);

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		MemoryContextReset(record_context);
		line++;
	}
	MemoryContextDelete(record_context);
}

Datum
perfmgmt_csv_records(PG_FUNCTION_ARGS)
{
	ArrayType  *lines = PG_GETARG_ARRAYTYPE_P(0);
	CsvReader	reader = {0};

	CheckLines(lines);
	InitMaterializedSRF(fcinfo, 0);
	deconstruct_array(lines, TEXTOID, -1, false, TYPALIGN_INT, &reader.lines,
					  &reader.line_nulls, &reader.line_count);
	initStringInfo(&reader.quoted);
	reader.field_room = 16;
	reader.fields = palloc(reader.field_room * sizeof(Datum));
	reader.field_nulls = palloc(reader.field_room * sizeof(bool));

	ReadFile(&reader, (ReturnSetInfo *) fcinfo->resultinfo);
	return (Datum) 0;
}

/* ---------------------------------------------------------------------
 * Lines of managers
 * ---------------------------------------------------------------------
 */
PG_FUNCTION_INFO_V1(perfmgmt_chain_contains);
PG_FUNCTION_INFO_V1(perfmgmt_chain_overlaps);
PG_FUNCTION_INFO_V1(perfmgmt_chain_contains_selectivity);
PG_FUNCTION_INFO_V1(perfmgmt_chain_overlaps_selectivity);

/* A NULL element is nobody: it is found in no chain. */
static bool
ChainHolds(ArrayType *chain, int32 person)
{
	const int32 *ids = (const int32 *) ARR_DATA_PTR(chain);
	int			count = ArrayGetNItems(ARR_NDIM(chain), ARR_DIMS(chain));
	int			i;

	for (i = 0; i < count; i++)
		if (ids[i] == person)
			return true;
	return false;
}

/* How many of these people are in the chain; -1 where either array holds NULL */
static int
CountHeld(ArrayType *chain, ArrayType *people, int *asked)
{
	const int32 *ids = (const int32 *) ARR_DATA_PTR(people);
	int			held = 0;
	int			i;

	*asked = ArrayGetNItems(ARR_NDIM(people), ARR_DIMS(people));
	if (ARR_HASNULL(chain) || ARR_HASNULL(people))
		return -1;
	for (i = 0; i < *asked; i++)
		held += ChainHolds(chain, ids[i]);
	return held;
}

Datum
perfmgmt_chain_contains(PG_FUNCTION_ARGS)
{
	int			asked;
	int			held = CountHeld(PG_GETARG_ARRAYTYPE_P(0), PG_GETARG_ARRAYTYPE_P(1), &asked);

	PG_RETURN_BOOL(held == asked);
}

Datum
perfmgmt_chain_overlaps(PG_FUNCTION_ARGS)
{
	int			asked;
	int			held = CountHeld(PG_GETARG_ARRAYTYPE_P(0), PG_GETARG_ARRAYTYPE_P(1), &asked);

	PG_RETURN_BOOL(held > 0);
}

/* The estimates are those of PostgreSQL's operators, under their names. */
Datum
perfmgmt_chain_contains_selectivity(PG_FUNCTION_ARGS)
{
	return DirectFunctionCall4(arraycontsel, PG_GETARG_DATUM(0),
							   ObjectIdGetDatum(OID_ARRAY_CONTAINS_OP),
							   PG_GETARG_DATUM(2), PG_GETARG_DATUM(3));
}

Datum
perfmgmt_chain_overlaps_selectivity(PG_FUNCTION_ARGS)
{
	return DirectFunctionCall4(arraycontsel, PG_GETARG_DATUM(0),
							   ObjectIdGetDatum(OID_ARRAY_OVERLAP_OP),
							   PG_GETARG_DATUM(2), PG_GETARG_DATUM(3));
}
