# What somebody with a login and a lot of time tries, made from the catalog: a
# new table, view or function is attacked without anybody adding it to a list.
package Attacker;

use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Utils ();

# new(node => ..., database => ..., login => ..., numbers => [...], texts => [...])
# numbers and texts are the plausible arguments, other people's ids among them.
sub new
{
    my ($class, %attacker) = @_;
    return bless {%attacker}, $class;
}

sub catalog
{
    my ($self, $sql) = @_;
    return map { [ split(/\|/, $_, -1) ] } split(/\n/, $self->{node}->safe_psql($self->{database}, $sql));
}

my $ours = q{('perf', 'forte', 'olr', 'insight')};

# What each session begins with: a function that tells what it is given, cheaper
# than any condition, and tests of columns that fail loudly.
my $tools = q{
    CREATE FUNCTION pg_temp.tell(text) RETURNS boolean COST 0.0000001 LANGUAGE plpgsql
    AS 'BEGIN RAISE NOTICE ''told %'', $1; RETURN true; END';
};

# Every relation. Where columns can be read, also what plans tell; where not,
# the ways around. Rows with random ids are counted in another order.
sub relation_statements
{
    my ($self) = @_;
    my @statements;
    my $other = $self->{numbers}[1];
    for my $row ($self->catalog(qq{
        SELECT format('%I.%I', n.nspname, c.relname), string_agg(quote_ident(a.attname), ',' ORDER BY a.attnum),
               coalesce(string_agg(quote_ident(a.attname), ',' ORDER BY a.attnum) FILTER (WHERE a.atttypid = 'int'::regtype), ''),
               coalesce(string_agg(quote_ident(a.attname), ',' ORDER BY a.attnum) FILTER (WHERE a.atttypid = 'text'::regtype), ''),
               has_schema_privilege('$self->{login}', n.oid, 'USAGE') AND has_any_column_privilege('$self->{login}', c.oid, 'SELECT'), c.relkind
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE n.nspname IN $ours AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
        GROUP BY n.nspname, n.oid, c.oid, c.relname, c.relkind ORDER BY n.nspname, c.relname}))
    {
        my ($relation, $columns, $ints, $texts, $readable, $kind) = @$row;
        my @columns = split /,/, $columns;
        my @ints = split /,/, $ints;
        push @statements,
          "SELECT * FROM $relation t ORDER BY t::text",
          "SELECT count(*) FROM $relation",
          "SELECT FROM $relation FOR UPDATE",
          "EXPLAIN (VERBOSE) SELECT * FROM $relation",
          "COPY $relation TO STDOUT",
          "COPY (SELECT count(*) FROM $relation) TO STDOUT",
          "TABLE $relation ORDER BY 1",
          "LOCK TABLE $relation IN ACCESS SHARE MODE",
          "LOCK TABLE $relation IN ACCESS EXCLUSIVE MODE NOWAIT",
          "INSERT INTO $relation DEFAULT VALUES",
          "INSERT INTO $relation (" . ($ints[0] // $columns[0]) . ") VALUES ($other) RETURNING *",
          "INSERT INTO $relation SELECT * FROM $relation ON CONFLICT DO NOTHING",
          "UPDATE $relation SET $columns[0] = $columns[0] RETURNING *",
          "DELETE FROM $relation RETURNING *",
          "TRUNCATE $relation",
          "ANALYZE $relation",
          "DECLARE c CURSOR FOR SELECT count(*) FROM $relation; FETCH ALL FROM c",
          "PREPARE p AS SELECT count(*) FROM $relation; EXECUTE p; DEALLOCATE p",
          "ALTER TABLE $relation DISABLE ROW LEVEL SECURITY",
          "CREATE TEMP TABLE mine (x int REFERENCES $relation)",
          "CREATE TEMP TABLE mine (LIKE $relation INCLUDING ALL)",
          "CREATE TEMP VIEW mine AS SELECT * FROM $relation; SELECT count(*) FROM mine",
          map { "SELECT count($_) FROM $relation" } @columns;
        next unless $readable eq 't';
        # how rows lie and when they came, without what is random by design
        push @statements, "SELECT DISTINCT tableoid::regclass, cmin, cmax, xmax, dense_rank() OVER (ORDER BY age(xmin)) FROM $relation ORDER BY 1, 2, 3, 5" if $kind ne 'v';
        push @statements, "SELECT count(ctid) FROM $relation" if $kind ne 'v';
        for my $plan ('', 'SET LOCAL enable_seqscan = off; ', 'SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off; ')
        {
            my $explain = "${plan}EXPLAIN (ANALYZE, VERBOSE, TIMING off, SUMMARY off)";
            push @statements, "$explain SELECT * FROM $relation";
            push @statements, map { my $c = $_; map { "$explain SELECT * FROM $relation WHERE $c = $_" } @{ $self->{numbers} }[ 0 .. 2 ] } @ints;
            push @statements, map { "$explain SELECT * FROM $relation WHERE $_ = 'peer'" } split /,/, $texts;
        }
        push @statements, map { ("EXPLAIN SELECT * FROM $relation WHERE $_ = 'Meets High Bar'", "EXPLAIN SELECT * FROM $relation WHERE $_ = 'strengths'") } split /,/, $texts;
        # a row that is hidden, by what is in it
        push @statements, map { "SELECT count(*) FROM $relation WHERE employee_id = $self->{numbers}[0] AND $_ = $other" } grep { $_ ne 'employee_id' } @ints if grep { $_ eq 'employee_id' } @ints;
        push @statements, map { ("SELECT ${_}::text::int FROM $relation ORDER BY 1", "SELECT count(*) FROM $relation WHERE pg_temp.tell(${_}::text)") } @columns;
        push @statements, map { "SELECT count(*) FROM $relation WHERE 1 / ($_ - $other) = 7" } @ints;
        push @statements, "SELECT count(*) FROM $relation t WHERE pg_temp.tell(t::text)";
        push @statements, "SELECT row_to_json(t) FROM $relation t ORDER BY t::text";
        push @statements, "SELECT '$relation'::regclass, has_table_privilege('$relation', 'SELECT')";
    }
    return @statements;
}

# An argument of a type, another one for each number.
sub argument
{
    my ($self, $type, $number) = @_;
    my %values = (
        integer => $self->{numbers},
        bigint => [ @{ $self->{numbers} }[ 0, 1 ], 1 ],
        smallint => [ 1, 3, 5 ],
        text => [ map { "'$_'" } @{ $self->{texts} } ],
        name => ["'postgres'"],
        boolean => [ 'true', 'false' ],
        jsonb => [ q{'{"growth": {"text": "mine", "score": 3}}'}, q{'{}'}, q{'{"nothing": 9}'} ],
        date => [ 'CURRENT_DATE', 'CURRENT_DATE + 30' ],
        daterange => [q{'[2025-01-01,2025-02-01)'}],
        regclass => [ map { "'perf.$_'" } qw(feedback forte_text employee nomination) ],
        bytea => [ q{'\x00'}, q{'\x0102'} ],
        'integer[]' => [ '\'{' . join(',', @{ $self->{numbers} }[ 0, 1 ]) . '}\'', q{'{1,1,1,1,1}'} ],
        'smallint[]' => [ q{'{1,2,3}'}, q{'{5,5}'} ],
        'text[]' => [q{'{a,b}'}],
        'bytea[]' => [q{'{"\\\\x00","\\\\x01"}'}],
        anyelement => ['1'],
        record => ['ROW(1, 2)']);
    my $of_type = $values{$type} // ['NULL'];
    my $value = $of_type->[ $number % @$of_type ];
    return $type eq 'anyelement' || $type eq 'record' ? $value : "$value\::$type";
}

sub function_statements
{
    my ($self) = @_;
    my @statements;
    for my $row ($self->catalog(qq{
        SELECT p.oid::regproc, p.prokind, coalesce((SELECT string_agg(format_type(t, NULL), ',' ORDER BY n) FROM unnest(p.proargtypes) WITH ORDINALITY AS u(t, n)), ''), p.prorettype::regtype, coalesce(array_to_string(p.proargnames[:cardinality(p.proargtypes)], ','), ''),
               has_function_privilege('$self->{login}', p.oid, 'EXECUTE') AND has_schema_privilege('$self->{login}', n.oid, 'USAGE')
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname IN ('perf', 'forte', 'olr', 'insight', 'perfmgmt')
          AND p.prorettype NOT IN ('trigger'::regtype, 'internal'::regtype) AND NOT 'internal'::regtype::oid = ANY (p.proargtypes)
        ORDER BY p.oid::regproc::text, p.oid::regprocedure::text}))
    {
        my ($function, $kind, $types, $returns, $names, $mine) = @$row;
        my (@types, @names) = ();
        @types = split /,/, $types;
        @names = split /,/, $names;
        $mine = $mine eq 't';
        # each cycle with each pair of people; other arguments take turns
        my @calls = ('');
        for my $place (0 .. $#types)
        {
            my @values = $types[$place] ne 'integer' ? () : ($names[$place] // '') =~ /cycle/ ? (1, 2) : @{ $self->{numbers} }[ 0, 1, 6 ];
            @values = ($values[0]) if @values && (!$mine || @calls > 12);
            my $turn = $place;
            @calls = map { my $so_far = $_; map { ($so_far eq '' ? '' : "$so_far, ") . $_ } @values ? @values : $self->argument($types[$place], $turn++ % 2) } @calls;
        }
        push @calls, join(', ', map { 'NULL::' . ($types[$_] =~ /^any/ ? 'int' : $types[$_]) } 0 .. $#types) if $mine && @types && $types !~ /record/;
        my $try = 0;
        for my $arguments (@calls)
        {
            my $call = $kind eq 'p' ? "CALL $function($arguments)" : $kind eq 'w' ? "SELECT $function($arguments) OVER ()"
              : $kind eq 'a' ? "SELECT $function($arguments)" : $returns eq 'record' ? "SELECT $function($arguments)" : "SELECT * FROM $function($arguments)";
            push @statements, $call;
            push @statements, "EXPLAIN (ANALYZE, VERBOSE, TIMING off, SUMMARY off) $call" if $mine && $kind ne 'p' && $try++ < 3;
        }
        push @statements, "SELECT pg_get_functiondef('$function'::regproc) IS NULL" unless @types || $kind eq 'a';
    }
    return @statements;
}

# Sequences, statistics, locks, settings, large objects, notifications.
sub other_statements
{
    my ($self) = @_;
    my @statements;
    for my $row ($self->catalog("SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN $ours AND c.relkind = 'S' ORDER BY 1"))
    {
        my $sequence = $row->[0];
        push @statements, "SELECT last_value, is_called FROM $sequence", "SELECT nextval('$sequence')", "SELECT currval('$sequence')",
          "SELECT setval('$sequence', 1)", "SELECT pg_sequence_last_value('$sequence')", "SELECT * FROM pg_sequence_parameters('$sequence'::regclass)";
    }
    push @statements, "SELECT schemaname, sequencename, last_value FROM pg_sequences WHERE schemaname IN $ours ORDER BY 1, 2", 'SELECT lastval()';
    push @statements, map { "SELECT * FROM $_ s WHERE schemaname IN $ours AND s::text !~ 'lot_(key|commitment)' ORDER BY 1, 2, 3" } qw(pg_stats pg_stats_ext pg_stats_ext_exprs);
    push @statements, map { "SELECT * FROM $_" } qw(pg_statistic pg_statistic_ext_data pg_authid pg_largeobject pg_hba_file_rules pg_file_settings
      pg_prepared_xacts pg_prepared_statements pg_cursors pg_publication_tables pg_user_mappings);
    push @statements, "SELECT name, setting FROM pg_settings WHERE name LIKE 'perfmgmt%'", "SHOW perfmgmt.actor_id",
      "SELECT set_config('perfmgmt.actor_id', '$self->{numbers}[1];,hr,;;', true)", "SELECT perfmgmt.act_as($self->{numbers}[1])",
      "SELECT * FROM pg_ls_dir('.')", "SELECT pg_read_file('postgresql.conf')", "SELECT query FROM pg_stat_activity WHERE usename <> session_user AND query <> '<insufficient privilege>' AND query <> ''",
      "SELECT locktype, classid, objid FROM pg_locks WHERE locktype = 'advisory'", "COPY (SELECT 1) TO PROGRAM 'true'",
      "SELECT pg_export_snapshot() IS NULL", "LISTEN perf", "SELECT count(*) FROM pg_notification_queue_usage()",
      map({ "SET LOCAL ROLE $_" } qw(perfmgmt_engine perfmgmt_ledger perfmgmt_hr perfmgmt_leader perfmgmt_auditor perfmgmt_app postgres)),
      "SET LOCAL row_security = off; SELECT count(*) FROM perf.forte_text", "SET LOCAL session_replication_role = replica",
      "SELECT table_to_xml('perf.forte_text', true, false, '') IS NULL", "SELECT query_to_xml('SELECT count(*) FROM perf.feedback', true, false, '')",
      "SELECT schema_to_xml('perf', true, false, '')", "SELECT database_to_xml(true, false, '')";
    return @statements;
}

sub statements
{
    my ($self) = @_;
    return ($self->relation_statements, $self->function_statements, $self->other_statements);
}

# What the transaction itself touched, by PostgreSQL's own counts and locks: it
# would tell what a privileged routine found. (A sequential scan tells the size of a table
# alone, which the server's statistics tell anybody.)
my $touched = "SELECT relname, seq_scan, idx_tup_fetch, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_xact_all_tables"
  . " WHERE schemaname IN $ours AND seq_scan + coalesce(idx_tup_fetch, 0) + n_tup_ins + n_tup_upd + n_tup_del > 0 ORDER BY relname;\n"
  . "SELECT DISTINCT locktype, relation::regclass, classid, objid, mode FROM pg_locks"
  . " WHERE pid = pg_backend_pid() AND (relation IS NULL OR relation::regclass::text ~ '^(perf|forte|olr|insight)\\.') AND locktype IN ('relation', 'tuple', 'advisory') ORDER BY 1, 2, 3, 4, 5";

# Each statement in a transaction that is taken back. Returns, a statement, what
# came: rows, plans, notices and errors in full.
sub attack
{
    my ($self, @statements) = @_;
    $self->begin(@statements);
    return $self->answers;
}

# The same attack by several at the same time.
sub together
{
    my ($statements, @attackers) = @_;
    $_->begin(@$statements) for @attackers;
    return map { [ $_->answers ] } @attackers;
}

sub begin
{
    my ($self, @statements) = @_;
    my $script = "\\set VERBOSITY verbose\n\\pset format unaligned\n\\pset pager off\nSET client_min_messages = notice;\nSET jit = off;\n$tools\n";
    for my $number (0 .. $#statements)
    {
        $script .= "SELECT pg_stat_force_next_flush() \\g /dev/null\n" if $self->{counts};
        $script .= "\\echo \x01$number\n\\warn \x01$number\nBEGIN;\n$statements[$number];\n";
        $script .= "$touched;\n" if $self->{counts};
        $script .= "ROLLBACK;\n";
    }
    $self->{last} = $#statements;
    $self->{files} = { map { $_ => "$PostgreSQL::Test::Utils::tmp_check/attack_$self->{database}_$_" } qw(in out err) };
    PostgreSQL::Test::Utils::append_to_file($self->{files}{in}, $script);
    $self->{psql} = IPC::Run::start([ 'psql', '-Xq', '-U', $self->{login}, '-d', $self->{node}->connstr($self->{database}) ],
        '<', $self->{files}{in}, '>', $self->{files}{out}, '2>', $self->{files}{err});
}

sub answers
{
    my ($self) = @_;
    $self->{psql}->finish;
    my ($out, $err) = map { PostgreSQL::Test::Utils::slurp_file($self->{files}{$_}) } qw(out err);
    unlink values %{ $self->{files} };
    my @answers = map { '' } 0 .. $self->{last};
    for my $stream ($out, $err)
    {
        my (undef, @parts) = split /^\x01/m, $stream;
        for my $part (@parts)
        {
            my ($number, $answer) = $part =~ /^(\d+)\n(.*)/s;
            $answer =~ s/^psql:<stdin>:\d+: //mg;
            $answers[$number] .= $answer;
        }
    }
    die "the session of $self->{login} ended early" unless $out =~ /^\x01$self->{last}$/m;
    return @answers;
}

1;
