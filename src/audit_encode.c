/*
 * audit_encode.c
 *		The canonical encoding of values, version 1.
 *
 * The same bytes on every server version, platform, TimeZone, DateStyle,
 * locale and server encoding, since hashes are made of them.  Integers are big
 * endian, text is UTF-8, what varies in length is preceded by its length.  Never
 * change what a tag means: add another one.
 */
#include "perfmgmt.h"

#include "audit.h"
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/rangetypes.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"
#include "utils/xid8.h"

/* Tags are forever. */
#define TAG_NULL 0
#define TAG_BOOL 1
#define TAG_INT2 2
#define TAG_INT4 3
#define TAG_INT8 4
#define TAG_TEXT 5
#define TAG_NAME 6
#define TAG_BYTEA 7
#define TAG_DATE 8
#define TAG_TIMESTAMPTZ 9
#define TAG_NUMERIC 10
#define TAG_XID8 11
#define TAG_JSONB 12
#define TAG_ARRAY 13
#define TAG_RANGE 14
#define TAG_UUID 15
#define TAG_OTHER 255			/* name of the type, bytes of its send function */

#define RANGE_IS_EMPTY 1
#define RANGE_HAS_LOWER 2
#define RANGE_HAS_UPPER 4
#define RANGE_LOWER_INCLUSIVE 8
#define RANGE_UPPER_INCLUSIVE 16

PG_FUNCTION_INFO_V1(perfmgmt_canonical);
PG_FUNCTION_INFO_V1(perfmgmt_canonical_row);
PG_FUNCTION_INFO_V1(perfmgmt_canonical_row_json);
PG_FUNCTION_INFO_V1(perfmgmt_audit_content);
PG_FUNCTION_INFO_V1(perfmgmt_audit_authorship);

void
AuditPutInt16(StringInfo out, int16 value)
{
	uint16		swapped = pg_hton16((uint16) value);

	appendBinaryStringInfo(out, (char *) &swapped, sizeof(swapped));
}

void
AuditPutInt32(StringInfo out, int32 value)
{
	uint32		swapped = pg_hton32((uint32) value);

	appendBinaryStringInfo(out, (char *) &swapped, sizeof(swapped));
}

void
AuditPutInt64(StringInfo out, int64 value)
{
	uint64		swapped = pg_hton64((uint64) value);

	appendBinaryStringInfo(out, (char *) &swapped, sizeof(swapped));
}

static void
PutBytes(StringInfo out, const void *bytes, int length)
{
	AuditPutInt32(out, length);
	appendBinaryStringInfo(out, bytes, length);
}

/*
 * Text in UTF-8.  A database without an encoding has only bytes.
 */
void
AuditPutText(StringInfo out, const char *text, int length)
{
	char	   *converted = unconstify(char *, text);

	if (GetDatabaseEncoding() != PG_SQL_ASCII)
		converted = pg_server_to_any(text, length, PG_UTF8);
	if (converted == text)
		PutBytes(out, text, length);
	else
	{
		PutBytes(out, converted, strlen(converted));
		pfree(converted);
	}
}

/*
 * Types.
 */
static uint8
TagOf(Oid typid)
{
	switch (typid)
	{
		case BOOLOID:
			return TAG_BOOL;
		case INT2OID:
			return TAG_INT2;
		case INT4OID:
			return TAG_INT4;
		case INT8OID:
			return TAG_INT8;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case JSONOID:
		case XMLOID:
			return TAG_TEXT;
		case NAMEOID:
			return TAG_NAME;
		case BYTEAOID:
			return TAG_BYTEA;
		case DATEOID:
			return TAG_DATE;
		case TIMESTAMPTZOID:
			return TAG_TIMESTAMPTZ;
		case NUMERICOID:
			return TAG_NUMERIC;
		case XID8OID:
			return TAG_XID8;
		case JSONBOID:
			return TAG_JSONB;
		case UUIDOID:
			return TAG_UUID;
		default:
			return TAG_OTHER;
	}
}

static char *
Utf8Name(const char *name)
{
	if (GetDatabaseEncoding() == PG_SQL_ASCII)
		return pstrdup(name);
	return pstrdup(pg_server_to_any(name, strlen(name), PG_UTF8));
}

/* As the catalog has it; format_type() would say "character varying". */
static char *
QualifiedTypeName(Oid typid)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(typid));
	Form_pg_type form;
	char	   *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", typid);
	form = (Form_pg_type) GETSTRUCT(tuple);
	name = psprintf("%s.%s", get_namespace_name(form->typnamespace), NameStr(form->typname));
	ReleaseSysCache(tuple);
	return name;
}

static void
OtherTypeInit(AuditType *type)
{
	Oid			send;
	bool		is_varlena;

	getTypeBinaryOutputInfo(type->typid, &send, &is_varlena);
	fmgr_info(send, &type->send);
	type->name = Utf8Name(QualifiedTypeName(type->typid));
}

void
AuditTypeInit(AuditType *type, Oid typid)
{
	Oid			element = InvalidOid;

	memset(type, 0, sizeof(*type));
	type->typid = getBaseType(typid);
	type->tag = TagOf(type->typid);
	get_typlenbyvalalign(type->typid, &type->typlen, &type->typbyval, &type->typalign);
	if (type->tag != TAG_OTHER)
		return;

	if (OidIsValid(element = get_element_type(type->typid)))
		type->tag = TAG_ARRAY;
	else if (OidIsValid(element = get_range_subtype(type->typid)))
	{
		type->tag = TAG_RANGE;
		type->range = lookup_type_cache(type->typid, TYPECACHE_RANGE_INFO);
	}
	if (OidIsValid(element))
	{
		type->element = palloc(sizeof(AuditType));
		AuditTypeInit(type->element, element);
	}
	else
		OtherTypeInit(type);
}

/* Does a send function write its values, or elements of them? */
bool
AuditTypeIsSent(const AuditType *type)
{
	return type->element ? AuditTypeIsSent(type->element) : type->tag == TAG_OTHER;
}

void
AuditColumnInit(AuditColumn *column, Form_pg_attribute attribute)
{
	column->number = attribute->attnum;
	column->name = Utf8Name(NameStr(attribute->attname));
	/* NAMEDATALEN bytes grow to at most four times as many in UTF-8 */
	column->name_length = Min(strlen(column->name), 255);
	AuditTypeInit(&column->type, attribute->atttypid);
}

/*
 * Values.  PutPayload writes what follows the tag of a value that is not null.
 */
static void PutPayload(StringInfo out, AuditType *type, Datum value);

/*
 * The tag of the elements, the dimensions, then each element: one byte whether
 * it is there, and its payload.
 */
static void
PutArray(StringInfo out, AuditType *type, Datum value)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	AuditType  *element = type->element;
	int			dimensions = ARR_NDIM(array);
	int			count = ArrayGetNItems(dimensions, ARR_DIMS(array));
	const bits8 *nulls = ARR_NULLBITMAP(array);
	char	   *at = ARR_DATA_PTR(array);
	int			i;

	appendStringInfoChar(out, element->tag);
	appendStringInfoChar(out, dimensions);
	for (i = 0; i < dimensions; i++)
	{
		AuditPutInt32(out, ARR_DIMS(array)[i]);
		AuditPutInt32(out, ARR_LBOUND(array)[i]);
	}
	for (i = 0; i < count; i++)
	{
		if (nulls && !(nulls[i / BITS_PER_BYTE] & (1 << (i % BITS_PER_BYTE))))
		{
			appendStringInfoChar(out, 0);
			continue;
		}
		appendStringInfoChar(out, 1);
		PutPayload(out, element, fetch_att(at, element->typbyval, element->typlen));
		at = att_addlength_pointer(at, element->typlen, at);
		at = (char *) att_align_nominal(at, element->typalign);
	}
	if ((Pointer) array != DatumGetPointer(value))
		pfree(array);
}

static void
PutRange(StringInfo out, AuditType *type, Datum value)
{
	RangeBound	lower;
	RangeBound	upper;
	bool		empty;
	uint8		flags = 0;

	range_deserialize(type->range, DatumGetRangeTypeP(value), &lower, &upper, &empty);
	if (empty)
		flags = RANGE_IS_EMPTY;
	else
		flags = (lower.infinite ? 0 : RANGE_HAS_LOWER) |
			(upper.infinite ? 0 : RANGE_HAS_UPPER) |
			(lower.inclusive ? RANGE_LOWER_INCLUSIVE : 0) |
			(upper.inclusive ? RANGE_UPPER_INCLUSIVE : 0);
	appendStringInfoChar(out, type->element->tag);
	appendStringInfoChar(out, flags);
	if (flags & RANGE_HAS_LOWER)
		PutPayload(out, type->element, lower.val);
	if (flags & RANGE_HAS_UPPER)
		PutPayload(out, type->element, upper.val);
}

static void
PutVarlena(StringInfo out, Datum value, bool is_text)
{
	struct varlena *detoasted = PG_DETOAST_DATUM_PACKED(value);

	if (is_text)
		AuditPutText(out, VARDATA_ANY(detoasted), VARSIZE_ANY_EXHDR(detoasted));
	else
		PutBytes(out, VARDATA_ANY(detoasted), VARSIZE_ANY_EXHDR(detoasted));
	if ((Pointer) detoasted != DatumGetPointer(value))
		pfree(detoasted);
}

/*
 * jsonb as PostgreSQL writes it, in UTF-8.  It holds the keys of an object in the
 * order of their bytes, which are others in another encoding: there they are put
 * into the order that they have in UTF-8.
 */
typedef struct Utf8Pair
{
	char	   *key;			/* in UTF-8 */
	int			length;
	JsonbValue	value;
} Utf8Pair;

static int
ComparePairs(const void *a, const void *b)
{
	const Utf8Pair *left = (const Utf8Pair *) a;
	const Utf8Pair *right = (const Utf8Pair *) b;

	if (left->length != right->length)
		return left->length < right->length ? -1 : 1;
	return memcmp(left->key, right->key, left->length);
}

static char *
JsonbStringInUtf8(JsonbValue *value)
{
	char	   *copy = pnstrdup(value->val.string.val, value->val.string.len);

	return pg_server_to_any(copy, value->val.string.len, PG_UTF8);
}

static void PutJsonbContainer(StringInfo text, JsonbContainer *container);

static void
PutJsonbValue(StringInfo text, JsonbValue *value)
{
	switch (value->type)
	{
		case jbvString:
			escape_json(text, JsonbStringInUtf8(value));
			break;
		case jbvNumeric:
			appendStringInfoString(text, DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric))));
			break;
		case jbvBool:
			appendStringInfoString(text, value->val.boolean ? "true" : "false");
			break;
		case jbvBinary:
			PutJsonbContainer(text, value->val.binary.data);
			break;
		default:
			appendStringInfoString(text, "null");
	}
}

static void
PutJsonbObject(StringInfo text, JsonbIterator *iterator, int count)
{
	Utf8Pair  *pairs = palloc(sizeof(Utf8Pair) * Max(count, 1));
	JsonbValue	key;
	int			i;

	for (i = 0; i < count; i++)
	{
		(void) JsonbIteratorNext(&iterator, &key, true);
		pairs[i].key = JsonbStringInUtf8(&key);
		pairs[i].length = strlen(pairs[i].key);
		(void) JsonbIteratorNext(&iterator, &pairs[i].value, true);
	}
	qsort(pairs, count, sizeof(Utf8Pair), ComparePairs);
	appendStringInfoChar(text, '{');
	for (i = 0; i < count; i++)
	{
		if (i > 0)
			appendStringInfoString(text, ", ");
		escape_json(text, pairs[i].key);
		appendStringInfoString(text, ": ");
		PutJsonbValue(text, &pairs[i].value);
	}
	appendStringInfoChar(text, '}');
}

static void
PutJsonbArray(StringInfo text, JsonbIterator *iterator, int count, bool is_scalar)
{
	JsonbValue	element;
	int			i;

	if (!is_scalar)
		appendStringInfoChar(text, '[');
	for (i = 0; i < count; i++)
	{
		(void) JsonbIteratorNext(&iterator, &element, true);
		if (i > 0)
			appendStringInfoString(text, ", ");
		PutJsonbValue(text, &element);
	}
	if (!is_scalar)
		appendStringInfoChar(text, ']');
}

static void
PutJsonbContainer(StringInfo text, JsonbContainer *container)
{
	JsonbIterator *iterator = JsonbIteratorInit(container);
	JsonbValue	whole;

	check_stack_depth();
	if (JsonbIteratorNext(&iterator, &whole, true) == WJB_BEGIN_OBJECT)
		PutJsonbObject(text, iterator, whole.val.object.nPairs);
	else
		PutJsonbArray(text, iterator, whole.val.array.nElems, whole.val.array.rawScalar);
}

/* The bytes are those of UTF-8 already. */
static bool
IsAsciiOrUtf8(const char *text)
{
	if (GetDatabaseEncoding() == PG_UTF8 || GetDatabaseEncoding() == PG_SQL_ASCII)
		return true;
	while (*text && !IS_HIGHBIT_SET(*text))
		text++;
	return *text == '\0';
}

static void
PutJsonb(StringInfo out, Datum value)
{
	Jsonb	   *jsonb = DatumGetJsonbP(value);
	char	   *text = JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));

	if (IsAsciiOrUtf8(text))
		PutBytes(out, text, strlen(text));
	else
	{
		StringInfoData utf8;

		initStringInfo(&utf8);
		PutJsonbContainer(&utf8, &jsonb->root);
		PutBytes(out, utf8.data, utf8.len);
		pfree(utf8.data);
	}
	pfree(text);
	if ((Pointer) jsonb != DatumGetPointer(value))
		pfree(jsonb);
}

/*
 * The binary format of labels and texts inside, as of an enum or citext, is in the
 * encoding of the client: here it is UTF-8, or the bytes of a database without an
 * encoding.
 */
static bytea *
SendCanonical(AuditType *type, Datum value)
{
	int			client = pg_get_client_encoding();
	int			canonical = GetDatabaseEncoding() == PG_SQL_ASCII ? PG_SQL_ASCII : PG_UTF8;
	bytea	   *sent;

	if (client == canonical)
		return SendFunctionCall(&type->send, value);
	if (PrepareClientEncoding(canonical) < 0 || SetClientEncoding(canonical) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("conversion between %s and %s is not supported",
						pg_encoding_to_char(canonical), GetDatabaseEncodingName())));
	PG_TRY();
	{
		sent = SendFunctionCall(&type->send, value);
	}
	PG_FINALLY();
	{
		/* was set, so can be again */
		(void) SetClientEncoding(client);
	}
	PG_END_TRY();
	return sent;
}

static void
PutOther(StringInfo out, AuditType *type, Datum value)
{
	bytea	   *sent = SendCanonical(type, value);

	PutBytes(out, type->name, strlen(type->name));
	PutBytes(out, VARDATA_ANY(sent), VARSIZE_ANY_EXHDR(sent));
	pfree(sent);
}

static void
PutPayload(StringInfo out, AuditType *type, Datum value)
{
	switch (type->tag)
	{
		case TAG_BOOL:
			appendStringInfoChar(out, DatumGetBool(value) ? 1 : 0);
			break;
		case TAG_INT2:
			AuditPutInt16(out, DatumGetInt16(value));
			break;
		case TAG_INT4:
		case TAG_DATE:			/* days since 2000-01-01 */
			AuditPutInt32(out, DatumGetInt32(value));
			break;
		case TAG_INT8:
		case TAG_TIMESTAMPTZ:	/* microseconds since 2000-01-01 in UTC */
		case TAG_XID8:
			AuditPutInt64(out, DatumGetInt64(value));
			break;
		case TAG_TEXT:
			PutVarlena(out, value, true);
			break;
		case TAG_NAME:
			AuditPutText(out, NameStr(*DatumGetName(value)), strlen(NameStr(*DatumGetName(value))));
			break;
		case TAG_BYTEA:
			PutVarlena(out, value, false);
			break;
		case TAG_NUMERIC:
			{
				char	   *digits = DatumGetCString(DirectFunctionCall1(numeric_out, value));

				PutBytes(out, digits, strlen(digits));
				pfree(digits);
				break;
			}
		case TAG_JSONB:
			PutJsonb(out, value);
			break;
		case TAG_ARRAY:
			PutArray(out, type, value);
			break;
		case TAG_RANGE:
			PutRange(out, type, value);
			break;
		case TAG_UUID:
			appendBinaryStringInfo(out, (char *) DatumGetUUIDP(value)->data, UUID_LEN);
			break;
		default:
			PutOther(out, type, value);
	}
}

void
AuditPutValue(StringInfo out, AuditType *type, Datum value, bool isnull)
{
	appendStringInfoChar(out, isnull ? TAG_NULL : type->tag);
	if (!isnull)
		PutPayload(out, type, value);
}

/* Text of ours, or null. */
void
AuditPutTextValue(StringInfo out, const char *text)
{
	appendStringInfoChar(out, text ? TAG_TEXT : TAG_NULL);
	if (text)
		AuditPutText(out, text, strlen(text));
}

static bytea *
BytesOf(StringInfo out)
{
	SET_VARSIZE(out->data, out->len);
	return (bytea *) out->data;
}

static void
InitBytes(StringInfo out)
{
	initStringInfo(out);
	appendStringInfoSpaces(out, VARHDRSZ);
}

Datum
perfmgmt_canonical(PG_FUNCTION_ARGS)
{
	AuditType	type;
	StringInfoData out;

	AuditTypeInit(&type, get_fn_expr_argtype(fcinfo->flinfo, 0));
	InitBytes(&out);
	AuditPutValue(&out, &type, PG_ARGISNULL(0) ? (Datum) 0 : PG_GETARG_DATUM(0), PG_ARGISNULL(0));
	PG_RETURN_BYTEA_P(BytesOf(&out));
}

/* A row: how many columns, then the name and value of each. */
static void
PutRecord(StringInfo out, HeapTupleHeader record)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(record),
											  HeapTupleHeaderGetTypMod(record));
	HeapTupleData tuple;
	int			count = 0;
	int			at = out->len;
	int			i;

	tuple.t_len = HeapTupleHeaderGetDatumLength(record);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = record;
	AuditPutInt16(out, 0);
	for (i = 0; i < desc->natts; i++)
	{
		AuditColumn column;
		Datum		value;
		bool		isnull;

		if (TupleDescAttr(desc, i)->attisdropped)
			continue;
		AuditColumnInit(&column, TupleDescAttr(desc, i));
		value = heap_getattr(&tuple, i + 1, desc, &isnull);
		appendStringInfoChar(out, column.name_length);
		appendBinaryStringInfo(out, column.name, column.name_length);
		AuditPutValue(out, &column.type, value, isnull);
		count++;
	}
	out->data[at] = count >> 8;
	out->data[at + 1] = count & 255;
	ReleaseTupleDesc(desc);
}

Datum
perfmgmt_canonical_row(PG_FUNCTION_ARGS)
{
	StringInfoData out;

	InitBytes(&out);
	PutRecord(&out, PG_GETARG_HEAPTUPLEHEADER(0));
	PG_RETURN_BYTEA_P(BytesOf(&out));
}

/*
 * Reading it back, as jsonb for people.  The bytes may come from a damaged or
 * forged entry: each step checks what is left.
 */
typedef struct Reader
{
	const uint8 *at;
	const uint8 *end;
} Reader;

static const uint8 *
Take(Reader *reader, int64 length)
{
	const uint8 *taken = reader->at;

	if (length < 0 || length > reader->end - reader->at)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("audit entry is not in the canonical encoding"),
				 errhint("Run perf.verify_audit().")));
	reader->at += length;
	return taken;
}

static uint8
TakeByte(Reader *reader)
{
	return *Take(reader, 1);
}

static int16
TakeInt16(Reader *reader)
{
	uint16		value;

	memcpy(&value, Take(reader, sizeof(value)), sizeof(value));
	return (int16) pg_ntoh16(value);
}

static int32
TakeInt32(Reader *reader)
{
	uint32		value;

	memcpy(&value, Take(reader, sizeof(value)), sizeof(value));
	return (int32) pg_ntoh32(value);
}

static int64
TakeInt64(Reader *reader)
{
	uint64		value;

	memcpy(&value, Take(reader, sizeof(value)), sizeof(value));
	return (int64) pg_ntoh64(value);
}

static char *
FromUtf8(const uint8 *text, int length)
{
	char	   *copy = pnstrdup((const char *) text, length);

	if (GetDatabaseEncoding() == PG_SQL_ASCII)
		return copy;
	return pg_any_to_server(copy, length, PG_UTF8);
}

static char *
TakeText(Reader *reader)
{
	int32		length = TakeInt32(reader);

	return FromUtf8(Take(reader, length), length);
}

static void
StringValue(JsonbValue *value, char *text)
{
	value->type = jbvString;
	value->val.string.val = text;
	value->val.string.len = strlen(text);
}

static void
IntegerValue(JsonbValue *value, int64 number)
{
	value->type = jbvNumeric;
	value->val.numeric = int64_to_numeric(number);
}

static void
HexValue(JsonbValue *value, const uint8 *bytes, int length)
{
	char	   *text = palloc((Size) length * 2 + 3);

	strcpy(text, "\\x");
	hex_encode((const char *) bytes, length, text + 2);
	text[(Size) length * 2 + 2] = '\0';
	StringValue(value, text);
}

static void
TimeValue(JsonbValue *value, Datum time, Oid type)
{
	int			utc = 0;

	StringValue(value, JsonEncodeDateTime(NULL, time, type, &utc));
}

static void TakePayload(Reader *reader, uint8 tag, JsonbValue *value);

/* A list, whatever the dimensions; made into a jsonb of its own. */
static void
TakeArray(Reader *reader, JsonbValue *value)
{
	JsonbParseState *state = NULL;
	uint8		tag = TakeByte(reader);
	int			dimensions = TakeByte(reader);
	int64		count = dimensions > 0 ? 1 : 0;
	int			i;

	for (i = 0; i < dimensions; i++)
	{
		int32		length = TakeInt32(reader);

		(void) TakeInt32(reader);
		if (length < 0 || count * length > MaxAllocSize)
			Take(reader, -1);
		count *= length;
	}
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (; count > 0; count--)
	{
		JsonbValue	element;

		element.type = jbvNull;
		if (TakeByte(reader) != 0)
			TakePayload(reader, tag, &element);
		pushJsonbValue(&state, WJB_ELEM, &element);
	}
	*value = *pushJsonbValue(&state, WJB_END_ARRAY, NULL);
}

static char *
BoundText(Reader *reader, uint8 tag)
{
	JsonbValue	bound;

	TakePayload(reader, tag, &bound);
	if (bound.type == jbvNumeric)
		return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(bound.val.numeric)));
	if (bound.type == jbvString)
		return pnstrdup(bound.val.string.val, bound.val.string.len);
	Take(reader, -1);
	return NULL;
}

/* As PostgreSQL writes it. */
static void
TakeRange(Reader *reader, JsonbValue *value)
{
	uint8		tag = TakeByte(reader);
	uint8		flags = TakeByte(reader);
	StringInfoData text;

	initStringInfo(&text);
	if (flags & RANGE_IS_EMPTY)
		appendStringInfoString(&text, "empty");
	else
	{
		appendStringInfoChar(&text, flags & RANGE_LOWER_INCLUSIVE ? '[' : '(');
		if (flags & RANGE_HAS_LOWER)
			appendStringInfoString(&text, BoundText(reader, tag));
		appendStringInfoChar(&text, ',');
		if (flags & RANGE_HAS_UPPER)
			appendStringInfoString(&text, BoundText(reader, tag));
		appendStringInfoChar(&text, flags & RANGE_UPPER_INCLUSIVE ? ']' : ')');
	}
	StringValue(value, text.data);
}

static void
TakeJsonb(Reader *reader, JsonbValue *value)
{
	Datum		jsonb = DirectFunctionCall1(jsonb_in, CStringGetDatum(TakeText(reader)));

	value->type = jbvBinary;
	value->val.binary.data = &DatumGetJsonbP(jsonb)->root;
	value->val.binary.len = VARSIZE(DatumGetPointer(jsonb)) - VARHDRSZ;
	/* a scalar stands in an array of its own */
	if (JB_ROOT_IS_SCALAR(DatumGetJsonbP(jsonb)))
		JsonbExtractScalar(&DatumGetJsonbP(jsonb)->root, value);
}

static void
TakePayload(Reader *reader, uint8 tag, JsonbValue *value)
{
	check_stack_depth();
	switch (tag)
	{
		case TAG_NULL:
			value->type = jbvNull;
			break;
		case TAG_BOOL:
			value->type = jbvBool;
			value->val.boolean = TakeByte(reader) != 0;
			break;
		case TAG_INT2:
			IntegerValue(value, TakeInt16(reader));
			break;
		case TAG_INT4:
			IntegerValue(value, TakeInt32(reader));
			break;
		case TAG_INT8:
			IntegerValue(value, TakeInt64(reader));
			break;
		case TAG_TEXT:
		case TAG_NAME:
			StringValue(value, TakeText(reader));
			break;
		case TAG_BYTEA:
			{
				int32		length = TakeInt32(reader);

				HexValue(value, Take(reader, length), length);
				break;
			}
		case TAG_DATE:
			TimeValue(value, DateADTGetDatum(TakeInt32(reader)), DATEOID);
			break;
		case TAG_TIMESTAMPTZ:
			TimeValue(value, TimestampTzGetDatum(TakeInt64(reader)), TIMESTAMPTZOID);
			break;
		case TAG_NUMERIC:
			value->type = jbvNumeric;
			value->val.numeric = DatumGetNumeric(DirectFunctionCall3(numeric_in,
																	 CStringGetDatum(TakeText(reader)),
																	 ObjectIdGetDatum(InvalidOid),
																	 Int32GetDatum(-1)));
			break;
		case TAG_XID8:
			StringValue(value, psprintf(UINT64_FORMAT, (uint64) TakeInt64(reader)));
			break;
		case TAG_JSONB:
			TakeJsonb(reader, value);
			break;
		case TAG_ARRAY:
			TakeArray(reader, value);
			break;
		case TAG_RANGE:
			TakeRange(reader, value);
			break;
		case TAG_UUID:
			StringValue(value, DatumGetCString(DirectFunctionCall1(uuid_out,
																   UUIDPGetDatum((pg_uuid_t *) Take(reader, UUID_LEN)))));
			break;
		case TAG_OTHER:
			{
				int32		length;

				(void) TakeText(reader);
				length = TakeInt32(reader);
				HexValue(value, Take(reader, length), length);
				break;
			}
		default:
			Take(reader, -1);
	}
}

static void
PushString(JsonbParseState **state, JsonbIteratorToken token, char *text)
{
	JsonbValue	value;

	StringValue(&value, text);
	pushJsonbValue(state, token, &value);
}

static void
PushValue(Reader *reader, JsonbParseState **state, char *key)
{
	JsonbValue	value;

	PushString(state, WJB_KEY, key);
	TakePayload(reader, TakeByte(reader), &value);
	pushJsonbValue(state, WJB_VALUE, &value);
}

/* The columns of a row, into the object that is open. */
static void
PushColumns(Reader *reader, JsonbParseState **state)
{
	int			count = (uint16) TakeInt16(reader);

	for (; count > 0; count--)
	{
		int			length = TakeByte(reader);
		char	   *name = FromUtf8(Take(reader, length), length);

		PushValue(reader, state, name);
	}
}

/* A row or nothing, preceded by its length. */
static void
PushRow(Reader *reader, JsonbParseState **state, char *key)
{
	int32		length = TakeInt32(reader);
	Reader		row = {Take(reader, length), reader->at};

	PushString(state, WJB_KEY, key);
	if (length == 0)
	{
		JsonbValue	none = {.type = jbvNull};

		pushJsonbValue(state, WJB_VALUE, &none);
		return;
	}
	row.end = row.at + length;
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	PushColumns(&row, state);
	pushJsonbValue(state, WJB_END_OBJECT, NULL);
	if (row.at != row.end)
		Take(&row, -1);
}

/* A part as stored: salt, version, then what the caller reads. */
static Reader
OpenPart(bytea *part)
{
	Reader		reader = {(uint8 *) VARDATA_ANY(part),
	(uint8 *) VARDATA_ANY(part) + VARSIZE_ANY_EXHDR(part)};

	(void) Take(&reader, AUDIT_SALT_LENGTH);
	if (TakeByte(&reader) != AUDIT_VERSION)
		Take(&reader, -1);
	return reader;
}

static Datum
ClosePart(Reader *reader, JsonbParseState **state)
{
	JsonbValue *object = pushJsonbValue(state, WJB_END_OBJECT, NULL);

	if (reader->at != reader->end)
		Take(reader, -1);
	return PointerGetDatum(JsonbValueToJsonb(object));
}

Datum
perfmgmt_audit_content(PG_FUNCTION_ARGS)
{
	Reader		reader = OpenPart(PG_GETARG_BYTEA_PP(0));
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	PushValue(&reader, &state, "reason");
	PushRow(&reader, &state, "before");
	PushRow(&reader, &state, "after");
	return ClosePart(&reader, &state);
}

Datum
perfmgmt_audit_authorship(PG_FUNCTION_ARGS)
{
	Reader		reader = OpenPart(PG_GETARG_BYTEA_PP(0));
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	PushValue(&reader, &state, "transaction");
	PushValue(&reader, &state, "recorded_at");
	PushValue(&reader, &state, "session_user");
	PushValue(&reader, &state, "actor");
	PushValue(&reader, &state, "on_behalf_of");
	PushRow(&reader, &state, "before");
	PushRow(&reader, &state, "after");
	return ClosePart(&reader, &state);
}

/*
 * The ranges of sequences in an erasure: what verification reads of an entry.  It
 * must not fail at bytes that somebody made up, so that these steps answer whether
 * they could be taken.
 */
#define ERASED_COLUMN "erased_entries"
#define MAX_NESTING 8			/* of arrays and ranges */

static bool
SkipBytes(Reader *reader, int64 length)
{
	if (length < 0 || length > reader->end - reader->at)
		return false;
	reader->at += length;
	return true;
}

static bool
ReadByte(Reader *reader, uint8 *value)
{
	const uint8 *at = reader->at;

	if (!SkipBytes(reader, 1))
		return false;
	*value = *at;
	return true;
}

static bool
ReadInt32(Reader *reader, int32 *value)
{
	const uint8 *at = reader->at;

	if (!SkipBytes(reader, sizeof(*value)))
		return false;
	memcpy(value, at, sizeof(*value));
	*value = (int32) pg_ntoh32(*value);
	return true;
}

static bool
ReadInt64(Reader *reader, int64 *value)
{
	const uint8 *at = reader->at;

	if (!SkipBytes(reader, sizeof(*value)))
		return false;
	memcpy(value, at, sizeof(*value));
	*value = (int64) pg_ntoh64(*value);
	return true;
}

static bool
SkipCounted(Reader *reader)
{
	int32		length;

	return ReadInt32(reader, &length) && SkipBytes(reader, length);
}

static bool SkipPayload(Reader *reader, uint8 tag, int depth);

static bool
SkipRange(Reader *reader, int depth)
{
	uint8		tag;
	uint8		flags;

	return ReadByte(reader, &tag) && ReadByte(reader, &flags) &&
		(!(flags & RANGE_HAS_LOWER) || SkipPayload(reader, tag, depth)) &&
		(!(flags & RANGE_HAS_UPPER) || SkipPayload(reader, tag, depth));
}

/* What an array begins with; how many elements follow? */
static bool
ReadArray(Reader *reader, uint8 *tag, int64 *count)
{
	uint8		dimensions;
	int			i;

	if (!ReadByte(reader, tag) || !ReadByte(reader, &dimensions))
		return false;
	*count = dimensions > 0 ? 1 : 0;
	for (i = 0; i < dimensions; i++)
	{
		int32		length;

		if (!ReadInt32(reader, &length) || !SkipBytes(reader, sizeof(int32)) ||
			length < 0 || *count * length > MaxAllocSize)
			return false;
		*count *= length;
	}
	return true;
}

static bool
SkipArray(Reader *reader, int depth)
{
	uint8		tag;
	int64		count;

	if (!ReadArray(reader, &tag, &count))
		return false;
	for (; count > 0; count--)
	{
		uint8		is_there;

		if (!ReadByte(reader, &is_there) || (is_there && !SkipPayload(reader, tag, depth)))
			return false;
	}
	return true;
}

static bool
SkipPayload(Reader *reader, uint8 tag, int depth)
{
	if (depth > MAX_NESTING)
		return false;
	switch (tag)
	{
		case TAG_NULL:
			return true;
		case TAG_BOOL:
			return SkipBytes(reader, 1);
		case TAG_INT2:
			return SkipBytes(reader, sizeof(int16));
		case TAG_INT4:
		case TAG_DATE:
			return SkipBytes(reader, sizeof(int32));
		case TAG_INT8:
		case TAG_TIMESTAMPTZ:
		case TAG_XID8:
			return SkipBytes(reader, sizeof(int64));
		case TAG_UUID:
			return SkipBytes(reader, UUID_LEN);
		case TAG_TEXT:
		case TAG_NAME:
		case TAG_BYTEA:
		case TAG_NUMERIC:
		case TAG_JSONB:
			return SkipCounted(reader);
		case TAG_ARRAY:
			return SkipArray(reader, depth + 1);
		case TAG_RANGE:
			return SkipRange(reader, depth + 1);
		case TAG_OTHER:
			return SkipCounted(reader) && SkipCounted(reader);
		default:
			return false;
	}
}

/* from, to, from, to, ... */
static void
ReadRanges(Reader *reader, void (*found) (int64 from, int64 to, void *arg), void *arg)
{
	uint8		tag;
	int64		count;

	if (!ReadArray(reader, &tag, &count) || tag != TAG_INT8)
		return;
	for (; count > 1; count -= 2)
	{
		uint8		is_there;
		int64		from;
		int64		to;

		if (!ReadByte(reader, &is_there) || !is_there || !ReadInt64(reader, &from) ||
			!ReadByte(reader, &is_there) || !is_there || !ReadInt64(reader, &to))
			return;
		found(from, to, arg);
	}
}

void
AuditErasedRanges(const void *content, Size length,
				  void (*found) (int64 from, int64 to, void *arg), void *arg)
{
	Reader		reader = {content, (const uint8 *) content + length};
	uint8		version;
	uint8		tag;
	int32		row;
	int			count;

	/* salt, version, reason, no row before, the length of the row after */
	if (!SkipBytes(&reader, AUDIT_SALT_LENGTH) ||
		!ReadByte(&reader, &version) || version != AUDIT_VERSION ||
		!ReadByte(&reader, &tag) || !SkipPayload(&reader, tag, 0) ||
		!SkipCounted(&reader) || !ReadInt32(&reader, &row) || row < (int32) sizeof(int16) ||
		row > reader.end - reader.at)
		return;
	for (count = (uint16) TakeInt16(&reader); count > 0; count--)
	{
		uint8		name_length;
		const uint8 *name;

		if (!ReadByte(&reader, &name_length))
			return;
		name = reader.at;
		if (!SkipBytes(&reader, name_length) || !ReadByte(&reader, &tag))
			return;
		if (tag == TAG_ARRAY && name_length == strlen(ERASED_COLUMN) &&
			memcmp(name, ERASED_COLUMN, name_length) == 0)
		{
			ReadRanges(&reader, found, arg);
			return;
		}
		if (!SkipPayload(&reader, tag, 0))
			return;
	}
}

/* A live row as an entry would show it. */
Datum
perfmgmt_canonical_row_json(PG_FUNCTION_ARGS)
{
	StringInfoData out;
	Reader		reader;
	JsonbParseState *state = NULL;

	initStringInfo(&out);
	PutRecord(&out, PG_GETARG_HEAPTUPLEHEADER(0));
	reader.at = (uint8 *) out.data;
	reader.end = reader.at + out.len;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	PushColumns(&reader, &state);
	return ClosePart(&reader, &state);
}
