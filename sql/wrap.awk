# Wraps the schema sources as text inside the extension, so that install() can
# run them and the sources stay plain SQL.
#
# A source is divided by two kinds of lines:
#   -- step N     run once, when the recorded schema version is below N
#   -- replace    run by every install(): functions, views and their grants
# The result is perfmgmt.schema_source(), a row a section in load order.
function flush_section() {
    if (section != "" && body ~ /[^ \t\n]/) {
        ordinal++
        printf "%s(%d, '%s', %s, $schema_section$%s$schema_section$)", (ordinal > 1 ? ",\n" : ""), ordinal, domain, (section == "replace" ? "NULL" : section), body
    }
    body = ""
}
BEGIN {
    print "CREATE FUNCTION perfmgmt.schema_source()"
    print "RETURNS TABLE (ordinal int, domain text, step int, source text)"
    print "LANGUAGE sql IMMUTABLE PARALLEL SAFE"
    print "SET search_path = pg_catalog, pg_temp"
    print "AS $schema_source$"
    print "SELECT * FROM (VALUES"
}
FNR == 1 {
    flush_section()
    section = ""
    domain = FILENAME
    sub(/.*\//, "", domain)
    sub(/\.sql$/, "", domain)
}
/^-- step [0-9]+$/ { flush_section(); section = $3; next }
/^-- replace$/     { flush_section(); section = "replace"; next }
section != ""      { body = body "\n" $0 }
END {
    flush_section()
    print ") AS s(ordinal, domain, step, source)"
    print "$schema_source$;"
    print "COMMENT ON FUNCTION perfmgmt.schema_source() IS 'the SQL that install() runs, a row a section in load order: domain, step (NULL: run by every install), source';"
}
