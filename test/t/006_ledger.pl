# The ledger survives: kill -9 under writers, pg_dump and restore, a standby. The
# verifier of examples/, which shares no code, says the same.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Crashed;

my $writers = 16;
my $people = 20;

my $node = PostgreSQL::Test::Cluster->new('ledger');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "max_connections = 40\nrestart_after_crash = on\nfsync = on\nsynchronous_commit = on\ndeadlock_timeout = 100ms");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION perfmgmt; CALL perfmgmt.install()');
$node->safe_psql('postgres', qq{
    INSERT INTO perf.employee (employee_id, external_id, full_name, hired_on)
    SELECT n, 'E' || n, 'Person ' || n, '2020-01-01' FROM generate_series(1, $people) n});

my $verify = q{SELECT status, broken_table, broken_subject, broken_sequence, problem FROM perf.verify_audit()};
is($node->safe_psql('postgres', $verify), 'unanchored||||', 'whole at the begin');

sub kept_digest
{
    my ($name) = @_;
    my $file = "$PostgreSQL::Test::Utils::tmp_check/$name.json";
    PostgreSQL::Test::Utils::append_to_file($file,
        $node->safe_psql('postgres', 'SELECT perf.audit_digest()'));
    return $file;
}

# what the independent verifier says
sub outside
{
    my ($on, $database, @digests) = @_;
    my $file = "$PostgreSQL::Test::Utils::tmp_check/ledger.txt";
    my ($out, $err) = run_command([ 'psql', '-X', '-q', '-d', $on->connstr($database), '-o', $file, '-f', 'examples/verify.sql' ]);
    diag $err if $err;
    ($out, $err) = run_command([ 'python3', 'examples/verify', $file, @digests ]);
    return $out . $err;
}

# Writers ---------------------------------------------------------------------
# Each transaction takes several chains, in several statements, some in
# savepoints that are rolled back; deadlocks are retried by the next iteration.

my $script = "$PostgreSQL::Test::Utils::tmp_check/write.sql";
PostgreSQL::Test::Utils::append_to_file($script, qq{
\\set a random(1, $people)
\\set b random(1, $people)
BEGIN;
INSERT INTO perf.absence (employee_id, valid_during)
SELECT n, daterange('2024-01-01'::date + :client_id, '2024-06-01') FROM (VALUES (:a), (:b)) v(n);
SAVEPOINT s;
UPDATE perf.employee SET email = 'e' || :client_id || random() WHERE employee_id = :b;
ROLLBACK TO s;
UPDATE perf.employee SET email = 'e' || :client_id || random() WHERE employee_id = :a;
INSERT INTO written (employee_id, at_least)
SELECT subject, sequence FROM perf.audit_head WHERE subject = :a;
COMMIT;
});
# what the clients were told is committed, beside the ledger
$node->safe_psql('postgres', 'CREATE TABLE written (employee_id int, at_least bigint)');

my $digest = '';
for my $round (1 .. 2)
{
    my ($out, $err) = ('', '');
    my $bench = IPC::Run::start(
        [ 'pgbench', '-n', '-c', $writers, '-j', '4', '-T', '30', '--max-tries', '20', '-f', $script,
          '-h', $node->host, '-p', $node->port, 'postgres' ], '>', \$out, '2>', \$err);
    # seals while they write, too
    for (1 .. 4)
    {
        select(undef, undef, undef, 0.5);
        $node->safe_psql('postgres', 'SELECT perf.seal_audit()');
    }
    cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM written'), '>', 10 * $round, "round $round: there are writers")
      or diag($err);
    $digest = kept_digest("round$round");
    is($node->safe_psql('postgres', $verify), 'unanchored||||', "round $round: whole while they write");

    my $victim = $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE query LIKE '%absence%' AND pid <> pg_backend_pid() LIMIT 1});
    if ($round == 1)
    {
        kill 'KILL', $victim;
    }
    else
    {
        $node->stop('immediate');
        $node->start;
    }
    eval { $bench->finish };
    wait_until_ready($node);
    is($node->safe_psql('postgres', $verify), 'unanchored||||', "round $round: whole after the crash");
    is($node->safe_psql('postgres', q{SELECT count(*) FROM written w JOIN perf.audit_head h ON h.subject = w.employee_id WHERE h.sequence < w.at_least}),
        '0', "round $round: no committed entry is lost");
    is($node->safe_psql('postgres', 'SELECT count(*) FROM perf.reconcile_audit()'), '0', "round $round: the tables are as the ledger says");
    my $kept = slurp_file($digest);
    is($node->safe_psql('postgres', "SELECT status FROM perf.verify_audit('$kept')"), 'anchored_ok', "round $round: as the digest says");
}

# A deadlock -------------------------------------------------------------------
# The application is told what to do, not where the server's log is.

{
    my ($in, $out, $err) = ('', '', '');
    my $limit = IPC::Run::timer(60);
    my $change = sub { "UPDATE perf.employee SET email = 'd' || random() WHERE employee_id = $_[0];\n" };
    my $second = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, '2>', \$err, $limit);
    $in .= "SET deadlock_timeout = '100s'; BEGIN;\n" . $change->(2) . "\\echo ready\n";
    $second->pump until $out =~ /ready/;
    my ($in1, $out1, $err1) = ('', '', '');
    my $first = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres') ], '<', \$in1, '>', \$out1, '2>', \$err1, $limit);
    # the rows themselves are others', so that they meet at the heads alone
    $in1 .= "SET deadlock_timeout = '100ms'; BEGIN;\n" . $change->(1) . "\\echo ready\n";
    $first->pump until $out1 =~ /ready/;
    my $absent = sub { "INSERT INTO perf.absence (employee_id, valid_during) VALUES ($_[0], '[2022-01-01,2022-02-01)');\n" };
    $in .= $absent->(1);
    $second->pump_nb;
    $node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%absence%'}) or die 'nobody waits';
    $in1 .= $absent->(2) . "\\q\n";
    $first->finish;
    like($err1, qr/deadlock detected/, 'statements in crossing order');
    like($err1, qr/^HINT:  Retry the transaction\./m, 'the hint says to retry');
    $in .= "COMMIT;\n\\q\n";
    $second->finish;
    is($err, '', 'the other one goes on');
}

# The independent verifier -----------------------------------------------------

like(outside($node, 'postgres', $digest), qr/^anchored_ok up to block \d+: \d+ entries in 21 chains/, 'the independent verifier agrees');

# Dump and restore -------------------------------------------------------------

$node->safe_psql('postgres', 'SELECT perf.seal_audit()');
my $last = kept_digest('last');
my $all = q{SELECT status, entries, unsealed, redacted, blocks, problem FROM perf.verify_audit('} . slurp_file($last) . q{')};
my $before = $node->safe_psql('postgres', $all);
like($before, qr/^anchored_ok\|/, 'sealed and anchored');
my $dump = "$PostgreSQL::Test::Utils::tmp_check/ledger.sql";
$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', $dump ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('restored'), '-f', $dump ], 'restore');
is($node->safe_psql('restored', $all), $before, 'verify says the same of the restored ledger');
is($node->safe_psql('restored', 'SELECT count(*) FROM perf.reconcile_audit()'), '0', 'whose tables are as it says');
$node->safe_psql('restored', 'CALL perfmgmt.install()');
is($node->safe_psql('restored', $all), $before, 'install() over it changes nothing');
$node->safe_psql('restored', q{UPDATE perf.employee SET email = 'after' WHERE employee_id = 1});
$node->safe_psql('restored', 'SELECT perf.seal_audit()');
is($node->safe_psql('restored', 'SELECT incarnation FROM perf.audit_block ORDER BY block DESC LIMIT 1'), '2', 'where the ledger goes on it says so');
like(outside($node, 'restored', $last), qr/^anchored_ok/, 'and still fits the digest');
# the original goes on by itself: two futures of one digest
$node->safe_psql('postgres', q{UPDATE perf.employee SET email = 'other' WHERE employee_id = 1; SELECT perf.seal_audit()});
my $fork = $node->safe_psql('postgres', 'SELECT perf.audit_digest()');
is($node->safe_psql('restored', "SELECT status, broken_table, problem FROM perf.verify_audit('$fork')"),
    'broken|audit_block|the block is not the one of the digest', 'a restored backup that went on is found by a newer digest');

# An edit, seen from outside ----------------------------------------------------

$node->safe_psql('restored', q{UPDATE perf.audit_entry SET content = set_byte(content, 20, get_byte(content, 20) # 1) WHERE subject = 3 AND sequence = 1});
like(outside($node, 'restored', $last), qr/^broken audit_entry 3 1 the hash is not that of the entry/, 'the independent verifier finds a flipped bit');

# Rewriting the storage and reading it elsewhere -------------------------------

$before = $node->safe_psql('postgres', $all);
$node->safe_psql('postgres', 'VACUUM FULL perf.audit_entry, perf.audit_head, perf.audit_block, perf.audit_block_head');
is($node->safe_psql('postgres', $all), $before, 'VACUUM FULL changes nothing');
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
is($standby->safe_psql('postgres', $all), $before, 'a standby verifies the same');
{
    my ($status, $out, $err) = $standby->psql('postgres', 'SELECT perf.seal_audit()');
    like($err, qr/cannot (execute|assign|acquire)/, 'and does not seal');
}

# Promoted, it goes on by itself, and says so from the first block: at once, while
# the first checkpoint of its timeline has yet to come.

$node->safe_psql('postgres', q{INSERT INTO perf.absence (employee_id, valid_during) SELECT n, '[2023-01-01,2023-02-01)' FROM generate_series(1, 20) n, generate_series(1, 500)});
$node->wait_for_catchup('standby');
my $place = 'SELECT timeline, incarnation FROM perf.audit_block ORDER BY block DESC LIMIT 1';
my ($timeline, $incarnation) = split /\|/, $standby->safe_psql('postgres', $place);
$standby->promote;
is($standby->safe_psql('postgres', 'SELECT perf.seal_audit() IS NOT NULL'), 't', 'a promoted standby seals');
is($standby->safe_psql('postgres', $place), ($timeline + 1) . '|' . ($incarnation + 1), 'in a timeline and incarnation of its own');
$standby->safe_psql('postgres', q{UPDATE perf.employee SET email = 'promoted' WHERE employee_id = 2; CHECKPOINT; SELECT perf.seal_audit()});
is($standby->safe_psql('postgres', $place), ($timeline + 1) . '|' . ($incarnation + 1), 'which do not change again');
my $old = slurp_file($last);
is($standby->safe_psql('postgres', "SELECT status FROM perf.verify_audit('$old')"), 'anchored_ok', 'as the digest from before says');
is($standby->safe_psql('postgres', 'SELECT count(*) FROM perf.reconcile_audit()'), '0', 'and its tables are as the ledger says');
$node->safe_psql('postgres', 'SELECT perf.seal_audit()');
$fork = $node->safe_psql('postgres', 'SELECT perf.audit_digest()');
is($standby->safe_psql('postgres', "SELECT status, problem FROM perf.verify_audit('$fork')"),
    'broken|the block is not the one of the digest', 'a digest of the old primary, which went on, tells the two apart');

done_testing();
