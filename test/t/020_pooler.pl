# Behind a pooler in transaction mode: two clients share one connection to the
# server. Nobody is or sees somebody else, whatever the other one left behind.

use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($pgbouncer) = grep { -x } map { "$_/pgbouncer" } split(/:/, $ENV{PATH}), '/usr/sbin';
plan skip_all => 'pgbouncer is not installed' unless $pgbouncer;

my $node = PostgreSQL::Test::Cluster->new('pooled');
$node->init;
$node->append_conf('postgresql.conf', "max_prepared_transactions = 2\nfsync = off");
$node->start;

# 1 leads 2 and 3, 2 leads 4, 3 leads 5; 6 and 7 are HR
$node->safe_psql('postgres', q{
    CREATE EXTENSION perfmgmt;
    CALL perfmgmt.install();
    INSERT INTO perf.team VALUES (1, 'company', NULL);
    INSERT INTO perf.employee (employee_id, external_id, full_name, hired_on)
    SELECT n, 'E' || n, 'Person ' || n, '2020-01-01' FROM generate_series(1, 7) n;
    INSERT INTO perf.assignment (employee_id, manager_id, team_id, level_code, valid_during)
    SELECT n, m, 1, 'SDE I', '[2020-01-01,)' FROM (VALUES (1, NULL), (2, 1), (3, 1), (4, 2), (5, 3), (6, 1), (7, 1)) a(n, m);
    SELECT perf.appoint(6, 'hr', 'first'), perf.appoint(7, 'hr', 'second');
    SELECT perf.create_cycle('c', '2020-07-01', '2021-06-30');
    SELECT perf.open_cycle(1);
    CREATE ROLE application LOGIN IN ROLE perfmgmt_app;
});

# The pooler: one connection to the server for all ---------------------------

my $folder = PostgreSQL::Test::Utils::tempdir_short();
my $port = PostgreSQL::Test::Cluster::get_free_port();
append_to_file("$folder/users", qq{"application" ""\n});
append_to_file("$folder/ini", <<INI);
[databases]
postgres = host=${\$node->host} port=${\$node->port}
[pgbouncer]
listen_addr =
listen_port = $port
unix_socket_dir = $folder
auth_type = trust
auth_file = $folder/users
pool_mode = transaction
default_pool_size = 1
INI
my $pooler = IPC::Run::start([ $pgbouncer, '-q', "$folder/ini" ], '<', '/dev/null', '>&', "$folder/log");
for (1 .. 100)
{
    last if -S "$folder/.s.PGSQL.$port";
    select(undef, undef, undef, 0.1);
}
ok(-S "$folder/.s.PGSQL.$port", 'the pooler is up') or BAIL_OUT('no pooler');

# A client is a psql that stays connected to the pooler.
sub client
{
    my %client = (in => '', out => '', err => '', sent => 0);
    $client{psql} = IPC::Run::start(
        [ 'psql', '-XAtq', '-h', $folder, '-p', $port, '-U', 'application', '-v', 'VERBOSITY=verbose', 'postgres' ],
        '<', \$client{in}, '>', \$client{out}, '2>', \$client{err}, IPC::Run::timeout(120));
    return \%client;
}

sub send_sql
{
    my ($client, $sql) = @_;
    $client->{sent}++;
    $client->{in} .= "$sql;\n\\echo end $client->{sent}\n";
    $client->{psql}->pump_nb;
}

# What came since the last answer, errors behind it.
sub answer
{
    my ($client) = @_;
    $client->{psql}->pump until $client->{out} =~ /^end $client->{sent}\n/m;
    $client->{psql}->pump_nb;
    my $answer = $client->{out} . $client->{err};
    $client->{out} = $client->{err} = '';
    $answer =~ s/^end \d+\n//mg;
    $answer =~ s/\n+/ /g;
    return $answer =~ s/^ | $//gr;
}

sub ask
{
    my ($client, $sql) = @_;
    send_sql($client, $sql);
    return answer($client);
}

sub left { $_[0]->{in} .= "\\q\n"; $_[0]->{psql}->finish }

my $see = q{SELECT coalesce(string_agg(employee_id::text, ',' ORDER BY employee_id), 'nobody') FROM perf.participation};
my $nobody = q{SELECT coalesce(perfmgmt.actor_id(), 0), coalesce(perfmgmt.has_appointment('hr'), false), current_user};
my ($ann, $bob) = (client(), client());

# Turns -----------------------------------------------------------------------

my $server = ask($ann, 'SELECT pg_backend_pid()');
is(ask($bob, 'SELECT pg_backend_pid()'), $server, 'both have the same connection to the server');
is(ask($ann, "BEGIN; SELECT perfmgmt.act_as(2); SET LOCAL ROLE perfmgmt_leader; $see; COMMIT"), '4', 'Ann acts as 2');
is(ask($bob, $nobody), '0|f|application', 'Bob after that is nobody');
is(ask($bob, "BEGIN; SET LOCAL ROLE perfmgmt_leader; $see; COMMIT"), 'nobody', 'and sees nobody');
is(ask($bob, "BEGIN; SELECT perfmgmt.act_as(3); SET LOCAL ROLE perfmgmt_leader; $see; COMMIT"), '5', 'until Bob acts as 3');
is(ask($ann, 'BEGIN; SELECT perfmgmt.act_as(6); SELECT perfmgmt.actor_id()'), '6', 'Ann is in a transaction as 6');
send_sql($bob, "BEGIN; $nobody; COMMIT");
is(ask($ann, "SET LOCAL ROLE perfmgmt_hr; SELECT count(*) FROM perf.participation; COMMIT"), '6', 'Bob waits for its end');
is(answer($bob), '0|f|application', 'and then is nobody');
like(ask($ann, 'SELECT perfmgmt.act_as(2)'), qr/25P01/, 'outside of a transaction block nobody acts');

# Ends that are no COMMIT
ask($ann, 'BEGIN; SELECT perfmgmt.act_as(6); SELECT 1/0; ROLLBACK');
is(ask($bob, $nobody), '0|f|application', 'after an error and ROLLBACK');
ask($ann, 'BEGIN; SELECT perfmgmt.act_as(6); SELECT 1/0; COMMIT');
is(ask($bob, $nobody), '0|f|application', 'after an error and COMMIT');
ask($ann, 'BEGIN; SELECT perfmgmt.act_as(6); COMMIT AND CHAIN; ROLLBACK');
is(ask($bob, $nobody), '0|f|application', 'after a chained transaction');
my $hasty = client();
ask($hasty, 'BEGIN; SELECT perfmgmt.act_as(6); SET LOCAL ROLE perfmgmt_hr');
left($hasty);
is(ask($bob, $nobody), '0|f|application', 'after a client that left in the middle');
$hasty = client();
ask($hasty, 'BEGIN; SELECT perfmgmt.act_as(6); SET LOCAL ROLE perfmgmt_hr');
$hasty->{psql}->kill_kill;
is(ask($bob, $nobody), '0|f|application', 'after one that died');

# What one leaves behind --------------------------------------------------------

$server = ask($ann, 'SELECT pg_backend_pid()');
for my $kept (
    "DECLARE kept CURSOR WITH HOLD FOR $see",
    "CREATE TEMP TABLE kept AS $see",
    "SELECT 1 AS i INTO TEMP kept",
    'CREATE TEMP TABLE kept (i int)',
    'CREATE TEMP TABLE kept (i int) ON COMMIT DELETE ROWS',
    "PREPARE TRANSACTION 'kept'")
{
    like(ask($ann, "BEGIN; SELECT perfmgmt.act_as(6); SET LOCAL ROLE perfmgmt_hr; $kept; COMMIT"), qr/PM003.*HINT:/, "refused: $kept");
    is(ask($bob, q{SELECT count(*) FROM pg_cursors WHERE name = 'kept' UNION ALL SELECT count(*) FROM pg_class WHERE relname = 'kept'}), '0 0', 'Bob finds nothing');
}
is(ask($ann, 'CREATE TEMP TABLE seen (line text); GRANT INSERT ON seen TO PUBLIC'), '', 'without an identity Ann may make a temporary table');
my $filling = "INSERT INTO seen SELECT full_name FROM perf.employee";
is(ask($bob, 'INSERT INTO seen VALUES (1); SELECT count(*) FROM seen; DELETE FROM seen'), '1', 'that Bob has as well, as is known of such poolers');
like(ask($ann, "BEGIN; SELECT perfmgmt.act_as(6); SET LOCAL ROLE perfmgmt_hr; $filling; COMMIT"), qr/PM003.*ON COMMIT DROP/, 'but nobody who acts can fill it');
like(ask($ann, "BEGIN; SELECT perfmgmt.act_as(6); COPY seen FROM STDIN;\nPerson 4\n\\.\nCOMMIT"), qr/PM003/, 'not by COPY either');
is(ask($bob, 'SELECT count(*) FROM seen; DROP TABLE seen'), '0', 'so Bob reads nothing there');
like(ask($bob, "DECLARE kept CURSOR WITH HOLD FOR $nobody; BEGIN; SELECT perfmgmt.act_as(6)"), qr/PM003.*Close the cursor/, 'a cursor that waits is seen');
ask($bob, 'ROLLBACK; CLOSE kept');
is(ask($ann, qq{BEGIN; SELECT perfmgmt.act_as(6); SET LOCAL ROLE perfmgmt_hr;
    SELECT perf.appoint(4, 'auditor', 'leaves a number behind') > 0; COMMIT}), 't', 'Ann writes a row with a number');
like(ask($bob, 'SELECT lastval()'), qr/42501/, 'that lastval() does not tell Bob');

# A prepared statement is of the connection: it must follow the person.
$node->safe_psql('postgres', 'GRANT USAGE ON SCHEMA perf TO application; GRANT SELECT ON perf.participation TO application');
ask($ann, "PREPARE shared AS $see; SET plan_cache_mode = force_generic_plan");
is(ask($ann, 'BEGIN; SELECT perfmgmt.act_as(1); SET LOCAL ROLE perfmgmt_leader; EXECUTE shared; COMMIT'), '2,3,4,5,6,7', 'Ann prepared, and acts as 1');
is(ask($bob, 'BEGIN; SELECT perfmgmt.act_as(2); SET LOCAL ROLE perfmgmt_leader; EXECUTE shared; COMMIT'), '4', 'Bob executes it as 2');
is(ask($bob, 'BEGIN; SET LOCAL ROLE perfmgmt_leader; EXECUTE shared; COMMIT'), 'nobody', 'and as nobody');
$node->safe_psql('postgres', 'REVOKE SELECT ON perf.participation FROM application; REVOKE USAGE ON SCHEMA perf FROM application');

# At random ---------------------------------------------------------------------

my %sees = (1 => '2,3,4,5,6,7', 2 => '4', 3 => '5', 4 => 'nobody', 6 => 'nobody');
my @people = sort keys %sees;
my @ends = ('COMMIT', 'ROLLBACK', 'SAVEPOINT s; ROLLBACK TO s; COMMIT', 'SELECT 1/0; ROLLBACK');
my $wrong = 0;
srand(20);
for my $turn (1 .. $ENV{PERFMGMT_LONG} ? 2000 : 200)
{
    my ($first, $second) = rand() < 0.5 ? ($ann, $bob) : ($bob, $ann);
    my $person = $people[ rand @people ];
    my $other = $people[ rand @people ];
    send_sql($first, "BEGIN; SELECT perfmgmt.act_as($person); SET LOCAL ROLE perfmgmt_leader; $see; " . $ends[ rand @ends ]);
    my $acts = rand() < 0.7 ? "SELECT perfmgmt.act_as($other);" : '';
    send_sql($second, "BEGIN; $acts SET LOCAL ROLE perfmgmt_leader; $see; COMMIT");
    my ($one) = split ' ', answer($first);
    $wrong++ if $one ne $sees{$person};
    $wrong++ if answer($second) ne ($acts ? $sees{$other} : 'nobody');
}
is($wrong, 0, 'in turns at random everybody sees the own people only');
is(ask($ann, 'SELECT pg_backend_pid()'), $server, 'all of it on one connection');
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_prepared_xacts'), '0', 'no transaction is left prepared');

left($_) for $ann, $bob;
$pooler->kill_kill;
$node->stop;
done_testing();
