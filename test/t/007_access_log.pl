# Reads of named ratings that the database cannot log go to the server's log, or
# are refused: rolled back, read only, on a standby.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', 'max_prepared_transactions = 2');
$node->start;

# 1 leads 2, 3 and 4; 2 leads 5; 3 and 4 are HR
$node->safe_psql('postgres', q{
    CREATE EXTENSION perfmgmt;
    CALL perfmgmt.install();
    INSERT INTO perf.team VALUES (1, 'company', NULL);
    INSERT INTO perf.employee (employee_id, external_id, full_name, hired_on)
    SELECT n, 'E' || n, 'Person ' || n, '2020-01-01' FROM generate_series(1, 5) n;
    INSERT INTO perf.assignment (employee_id, manager_id, team_id, level_code, valid_during)
    SELECT n, m, 1, 'SDE I', '[2020-01-01,)' FROM (VALUES (1, NULL), (2, 1), (3, 1), (4, 1), (5, 2)) a(n, m);
    SELECT perf.appoint(3, 'hr', 'first'), perf.appoint(4, 'hr', 'second');
    SELECT perf.create_cycle('c', '2020-07-01', '2021-06-30');
    SELECT perf.open_cycle(1);
    INSERT INTO perf.assessment (employee_id, review_cycle_id, job_performance, potential, summary, source, assessed_by, manager_chain)
    SELECT p.employee_id, 1, 3, 2, 'fine', 'manager', p.manager_id, p.manager_chain FROM perf.participation p WHERE p.employee_id > 1;
    CREATE ROLE leader LOGIN IN ROLE perfmgmt_leader;
    SELECT perf.map_login('leader', 1);
});

sub as_leader
{
    my ($on, $sql) = @_;
    my ($status, $out, $err) = $on->psql('postgres', $sql, extra_params => [ '-U', 'leader' ], on_error_stop => 1);
    return ($status, $out, $err);
}

sub logged
{
    return $node->safe_psql('postgres', q{SELECT string_agg(concat_ws(' ', actor_id, relation_name, subjects), '; ' ORDER BY access_log_id) FROM perf.access_log});
}

# what the server's log gained while something ran
sub log_gain
{
    my ($on, $run) = @_;
    my $place = -s $on->logfile;
    my @answer = $run->();
    return (substr(slurp_file($on->logfile), $place), @answer);
}

my $read = 'SELECT count(*) FROM perf.assessment;';
my $everybody = q{access log: actor 1, on behalf of 0, session user "leader" read perf.assessment of 4 people: 2-5};

# Committed, rolled back ----------------------------------------------------------

my ($log, $status, $out, $err) = log_gain($node, sub { as_leader($node, $read) });
is($out, '4', 'a leader reads');
is(logged(), '1 perf.assessment {[2,6)}', 'a row');
unlike($log, qr/access log/, 'no line');

($log, $status, $out) = log_gain($node, sub { as_leader($node, "BEGIN; $read ROLLBACK") });
is($out, '4', 'a leader reads and rolls back');
is(logged(), '1 perf.assessment {[2,6)}', 'no row');
like($log, qr/LOG:  perfmgmt $everybody \(rolled back\)/, 'a line');
unlike($log, qr/STATEMENT/, 'without the statement');

$node->safe_psql('postgres', 'CREATE VIEW public.of_bi WITH (security_invoker = true) AS SELECT * FROM perf.assessment; GRANT SELECT ON public.of_bi TO leader');
($log) = log_gain($node, sub { as_leader($node, 'BEGIN; SELECT count(*) FROM of_bi; ROLLBACK') });
like($log, qr/$everybody through public\.of_bi \(rolled back\)/, 'through a view: which');

($log) = log_gain($node, sub { as_leader($node, "BEGIN; $read SELECT 1/0") });
like($log, qr/$everybody \(rolled back\)/, 'an error after the read rolls back: a line');

# a session that is ended in the middle
{
    my ($in, $got, $bad) = ('', '', '');
    my $psql = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') . ' user=leader' ], '<', \$in, '>', \$got, '2>', \$bad, IPC::Run::timer(60));
    my $place = -s $node->logfile;
    $in .= "BEGIN; $read\n";
    $psql->pump until $got =~ /4/;
    $node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'leader'});
    $node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE usename = 'leader'});
    like(substr(slurp_file($node->logfile), $place), qr/$everybody \(rolled back\)/, 'a session that was terminated: a line');
    $in .= "\\q\n";
    eval { $psql->finish };
}

# a prepared transaction could be rolled back by anybody
($status, $out, $err) = as_leader($node, "BEGIN; $read PREPARE TRANSACTION 'p'");
like($err, qr/cannot PREPARE a transaction that has read named ratings/, 'PREPARE TRANSACTION after a read is refused');

# Read only ------------------------------------------------------------------------

my $before = logged();
($log, $status, $out, $err) = log_gain($node, sub { as_leader($node, "BEGIN READ ONLY; $read") });
isnt($status, 0, 'read only: refused');
like($err, qr/rows of "perf.assessment" cannot be read in a read-only transaction/, 'and says why');
like($err, qr/HINT:  Use a READ WRITE transaction on the primary/, 'and what to do');

$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
($status, $out, $err) = as_leader($standby, $read);
isnt($status, 0, 'standby: refused');
like($err, qr/rows of "perf.assessment" cannot be read on a standby/, 'and says why');
($status, $out, $err) = as_leader($standby, 'SELECT count(*) FROM olr.matrix');
is($status, 0, 'standby: counts are answered') or diag $err;

$node->safe_psql('postgres', q{UPDATE perf.access_rule SET read_only_access = 'server_log'});
($log, $status, $out, $err) = log_gain($node, sub { as_leader($node, "BEGIN READ ONLY; $read COMMIT") });
is($out, '4', 'server_log: read in a read-only transaction') or diag $err;
like($log, qr/$everybody \(read only\)/, 'a line');
($log) = log_gain($node, sub { as_leader($node, "BEGIN READ ONLY; $read ROLLBACK") });
like($log, qr/$everybody \(rolled back\)/, 'rolled back: a line');
is(logged(), $before, 'no row');

$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
($log, $status, $out, $err) = log_gain($standby, sub { as_leader($standby, $read) });
is($out, '4', 'server_log: read on the standby') or diag $err;
like($log, qr/$everybody \(read only\)/, 'a line in the log of the standby');

done_testing();
