# verify_audit() of a ledger that does not fit into its memory: the same answer,
# visible while it runs, and cancelled at once.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $people = 5000;
my $each = 40;

my $node = PostgreSQL::Test::Cluster->new('verify');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nshared_buffers = 8MB");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION perfmgmt; CALL perfmgmt.install()');
# each statement goes through all chains, in no order
$node->safe_psql('postgres', qq{
    CREATE TABLE perf.watched (employee_id int, n int, note text);
    CALL perfmgmt.watch_table('perf.watched');
    DO \$\$BEGIN
        FOR i IN 1 .. $each LOOP
            INSERT INTO perf.watched SELECT p, i, 'x' FROM generate_series(1, $people) p ORDER BY hashint4(p + i);
            IF i % 20 = 0 THEN PERFORM perf.seal_audit(); END IF;
        END LOOP;
    END\$\$});

my $answer = q{SELECT status, entries - (SELECT count(*) FROM perf.audit_entry), unsealed, blocks, broken_table, broken_subject, broken_sequence, problem FROM perf.verify_audit(};
my $small = 'SET maintenance_work_mem = 1024';
is($node->safe_psql('postgres', "$answer)"), 'unanchored|0|0|2||||', 'in memory');
is($node->safe_psql('postgres', "$small; $answer)"), 'unanchored|0|0|2||||', 'in many parts');

my $since = $node->safe_psql('postgres', q{SELECT json_build_object('format', 'perfmgmt-audit-1', 'block', block, 'hash', encode(hash, 'hex')) FROM perf.audit_block WHERE block = 1});
my $half = $people * $each / 2;
is($node->safe_psql('postgres', "$small; SELECT status, entries, unsealed, blocks, anchored_blocks FROM perf.verify_audit(since => '$since')"),
    "anchored_ok|$half|0|2|1", 'since the first block: half of it');

# Memory ---------------------------------------------------------------------
# The most that a backend had, from the system: without sorting in parts it would be
# 80 bytes an entry more.

sub peak
{
    my ($memory) = @_;
    return $node->safe_psql('postgres', qq{
        SET maintenance_work_mem = '$memory'; SET work_mem = '64kB';
        SELECT pg_backend_pid() AS pid \\gset
        \\setenv BACKEND :pid
        SELECT FROM perf.verify_audit() \\g /dev/null
        \\! sed -n 's/^VmHWM:[[:space:]]*\\([0-9]*\\) kB/\\1/p' /proc/\$BACKEND/status}) + 0;
}
my ($little, $much) = (peak('1MB'), peak('256MB'));
cmp_ok($little, '>', 0, 'what a verification takes');
cmp_ok($little + 10_000, '<', $much, "is bounded: $little kB where $much kB would hold all");

# Cancel -----------------------------------------------------------------------

for my $arguments ('', "since => '$since'")
{
    my ($code, $out, $err) = $node->psql('postgres', qq{
        SET application_name = 'mine';
        SET statement_timeout = '30ms';
        SELECT perf.verify_audit($arguments);
        SET statement_timeout = 0;
        SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid();
        SELECT status FROM perf.verify_audit()}, on_error_stop => 0);
    like($err, qr/canceling statement due to statement timeout/, "cancelled: ($arguments)");
    is($out, "mine\nunanchored", 'the session goes on under its name');
}

# Progress ---------------------------------------------------------------------
# 200,000 entries are read in a moment: ask until it was seen, or give up.

my $seen = '';
for (1 .. 20)
{
    my ($out, $err) = ('', '');
    my $run = IPC::Run::start([ 'psql', '-X', '-d', $node->connstr('postgres'), '-c', 'SELECT FROM perf.verify_audit()', '-c', 'SELECT FROM perf.verify_audit()' ], '>', \$out, '2>', \$err);
    for (1 .. 10)
    {
        $seen = $node->safe_psql('postgres', q{SELECT application_name FROM pg_stat_activity WHERE application_name LIKE 'perfmgmt verify%'});
        last if $seen ne '';
    }
    $run->finish;
    last if $seen ne '';
}
like($seen, qr{^perfmgmt verify (1/2: \d+ entries read|2/2: chains of \d+ entries)$}, 'pg_stat_activity says how far it is');

# A break in the midst of the parts ----------------------------------------------

$node->safe_psql('postgres', q{UPDATE perf.audit_entry SET content = set_byte(content, 20, get_byte(content, 20) # 1) WHERE subject = 4321 AND sequence = 30});
my $broken = 'audit_entry|4321|30|the hash is not that of the entry';
like($node->safe_psql('postgres', "$small; $answer)"), qr/^broken\|.*\Q$broken\E$/, 'a break is found in many parts');
like($node->safe_psql('postgres', "$small; $answer since => '$since')"), qr/^broken\|.*\Q$broken\E$/, 'and after the anchor');

$node->stop;
done_testing();
