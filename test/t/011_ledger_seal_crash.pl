# Seal and verification, cut off: kill -9 in the midst of each, before the commit,
# and of a prepared one. No half block is left, and all of it works again. Seals at
# the same time: one works, the others are told.

use strict;
use warnings;

use File::Spec;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Crashed;
use Time::HiRes qw(sleep);

my $people = 200;
my $each = 300;    # entries of each person, so that both take a while

my $node = PostgreSQL::Test::Cluster->new('seal');
$node->init;
$node->append_conf('postgresql.conf', q{
restart_after_crash = on
fsync = off
max_prepared_transactions = 5
work_mem = '1MB'
maintenance_work_mem = '1MB'
});
$node->start;
$node->safe_psql('postgres', qq{
	CREATE EXTENSION perfmgmt;
	CALL perfmgmt.install();
	INSERT INTO perf.employee (employee_id, external_id, full_name, hired_on)
	SELECT n, 'E' || n, 'Person ' || n, '2020-01-01' FROM generate_series(1, $people) n;
	SELECT perf.seal_audit()});
my $digest = $node->safe_psql('postgres', 'SELECT perf.audit_digest()');
my $number = 0;
sub entries
{
	my ($count) = @_;
	$number++;
	$node->safe_psql('postgres', qq{
		INSERT INTO perf.absence (employee_id, valid_during)
		SELECT e, daterange('2024-01-01', '2024-01-02'::date + n) FROM generate_series(1, $people) e, generate_series(1, $count) n});
	return;
}
entries($each);

my $blocks = q{SELECT (SELECT coalesce(max(block), 0) FROM perf.audit_block), (SELECT max(block) FROM perf.audit_block_head)};
my $anchored = sub { "SELECT status, problem FROM perf.verify_audit('$digest')" };

sub start_psql
{
	my $session = { in => '', out => '', err => '' };
	my $limit = IPC::Run::timeout(120);
	$session->{run} = IPC::Run::start(
		[ $node->config_data('--bindir') . '/psql', '-X', '-q', '-A', '-t', '-v', 'VERBOSITY=verbose', '-d', $node->connstr('postgres'), '-f', '-' ],
		'<', \$session->{in}, '>', \$session->{out}, '2>', \$session->{err}, $limit);
	return $session;
}

# says something to a session and waits for the end of it
sub say_to
{
	my ($session, $sql) = @_;
	$session->{out} = '';
	$session->{in} .= "$sql\n\\echo ready.\n";
	$session->{run}->pump until $session->{out} =~ s/ready\.\n//;
	return $session->{out};
}

# kills the backend that runs a statement with kill -9, as soon as it does, or as
# it waits for a lock
sub kill_running
{
	my ($statement, $waits_for) = @_;
	my $session = start_psql();
	$session->{in} .= "$statement;\n";
	my $victim = '';
	for (1 .. 2000)
	{
		$session->{run}->pump_nb;
		$victim = $node->safe_psql('postgres', qq{
			SELECT pid FROM pg_stat_activity
			WHERE state = 'active' AND query LIKE '$statement%' AND pid <> pg_backend_pid() AND ('$waits_for' = '' OR wait_event_type = '$waits_for')});
		last if $victim ne '' || $session->{out} ne '';
		sleep(0.01);
	}
	kill 'KILL', $victim if $victim ne '';
	$session->{in} .= "\\q\n";
	eval { $session->{run}->finish };
	wait_until_ready($node);
	return $session->{out};
}

# In the midst --------------------------------------------------------------
# Held up where it writes, by a row of the same key that is not committed.

my %held = (
	'before it wrote' => q{
		INSERT INTO perf.audit_block
		SELECT 2, previous_hash, entries, heads, entries_root, heads_root, sealed_at, system_identifier, timeline, database_oid, incarnation, hash
		FROM perf.audit_block WHERE block = 1},
	'after half of the heads' => q{
		INSERT INTO perf.audit_block_head SELECT 2, subject, sequence, hash FROM perf.audit_head WHERE subject = 100});
foreach my $where (sort keys %held)
{
	my $holder = start_psql();
	is(say_to($holder, "BEGIN; $held{$where};"), '', 'another session has a row');
	is(kill_running('SELECT perf.seal_audit()', 'Lock'), '', "a seal is killed $where");
	eval { $holder->{run}->finish };
	is($node->safe_psql('postgres', $blocks), '1|1', 'no half block is left');
	is($node->safe_psql('postgres', $anchored->()), 'anchored_ok|', 'the ledger is as before');
}

# While it reads; on a fast machine the kill may come too late.
kill_running('SELECT perf.verify_audit()', '');
is($node->safe_psql('postgres', $anchored->()), 'anchored_ok|', 'killed in a verification, the ledger is as before');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_ls_tmpdir()}), '0', 'no temporary file is left');

# Written, not committed, and on the disk
{
	my $session = start_psql();
	is(say_to($session, 'BEGIN; SELECT perf.seal_audit();'), "2\n", 'a seal that waits for its commit');
	$node->safe_psql('postgres', 'CHECKPOINT');
	kill 'KILL', say_to($session, 'SELECT pg_backend_pid();') + 0;
	eval { $session->{run}->finish };
	wait_until_ready($node);
	is($node->safe_psql('postgres', $blocks), '1|1', 'killed before it, no half block is left');
}
is($node->safe_psql('postgres', 'SELECT perf.seal_audit()'), '2', 'sealing works again');
is($node->safe_psql('postgres', 'SELECT entries, heads FROM perf.audit_block WHERE block = 2'), $people * $each . "|$people", 'with everything in the block');
is($node->safe_psql('postgres', $anchored->()), 'anchored_ok|', 'as the digest from before says');
$digest = $node->safe_psql('postgres', 'SELECT perf.audit_digest()');

# At the same time ----------------------------------------------------------

{
	entries(1);
	my $session = start_psql();
	say_to($session, 'BEGIN; SELECT perf.seal_audit();');
	my ($status, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nSELECT perf.seal_audit()");
	like($err, qr/ERROR:  55P03: another session seals the ledger/, 'a second seal is told at once');
	$node->safe_psql('postgres', 'UPDATE perf.employee SET email = employee_id::text WHERE employee_id < 5');
	say_to($session, 'COMMIT;');
	is($node->safe_psql('postgres', 'SELECT perf.seal_audit()'), '4', 'and works after the commit of the first, for what came meanwhile');
	is($node->safe_psql('postgres', 'SELECT string_agg(entries::text, $$,$$ ORDER BY block) FROM perf.audit_block WHERE block > 2'), "$people,4", 'each entry in one block');
	entries(1);
	say_to($session, 'BEGIN; SELECT perf.seal_audit(); ROLLBACK;');
	is($node->safe_psql('postgres', 'SELECT perf.seal_audit()'), '5', 'a seal that was rolled back leaves no lock');
	$session->{in} .= "\\q\n";
	eval { $session->{run}->finish };

	my $dir = PostgreSQL::Test::Utils::tempdir();
	append_to_file("$dir/seal", "SELECT perf.seal_audit();\n");
	append_to_file("$dir/write", "\\set n random(1, $people)\nUPDATE perf.employee SET email = random()::text WHERE employee_id = :n;\n");
	# a refused seal ends its client: many short-lived ones
	my @sealers = map {
		IPC::Run::start([ 'pgbench', '-n', '-C', '-c', 8, '-j', 2, '-t', 10, '-f', "$dir/seal", '-d', $node->connstr('postgres') ],
			'<', File::Spec->devnull, '>', "$dir/out$_", '2>&1') } 1 .. 4;
	run_command([ 'pgbench', '-n', '-c', 4, '-T', 2, '-f', "$dir/write", '-d', $node->connstr('postgres') ]);
	eval { $_->finish } foreach @sealers;
	my @told = map { /ERROR: +(.*)/ ? $1 : () } map { split /\n/, slurp_file("$dir/out$_") } 1 .. 4;
	is(join(', ', grep { $_ ne 'another session seals the ledger' } @told), '', 'many seals at once: no other error');
	cmp_ok(scalar(@told), '>', 0, 'and some had to be told');
	cmp_ok($node->safe_psql('postgres', 'SELECT max(block) FROM perf.audit_block'), '>', 6, 'while others worked');
	is($node->safe_psql('postgres', $anchored->()), 'anchored_ok|', 'their blocks follow each other');
}

# A transaction that keeps its snapshot and extends a chain past it
{
	my $session = start_psql();
	say_to($session, 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM perf.team;');
	$node->safe_psql('postgres', q{UPDATE perf.employee SET email = 'other' WHERE employee_id = 1});
	say_to($session, q{INSERT INTO perf.absence (employee_id, valid_during) VALUES (1, '[2024-01-01,2024-01-02)');});
	is(say_to($session, $anchored->() . ';'), "anchored_ok|\n", 'REPEATABLE READ: no false alarm');
	say_to($session, 'SELECT perf.seal_audit();');
	like($session->{err}, qr/ERROR:  40001: the ledger went on since this transaction began/, 'and no seal');
	$session->{in} .= "\\q\n";
	eval { $session->{run}->finish };
}

# Prepared ------------------------------------------------------------------

$node->safe_psql('postgres', 'SELECT perf.seal_audit()');
$node->safe_psql('postgres', q{
	BEGIN;
	UPDATE perf.employee SET email = 'prepared' WHERE employee_id IN (1, 2);
	PREPARE TRANSACTION 'change'});
$node->safe_psql('postgres', q{UPDATE perf.employee SET email = 'free' WHERE employee_id = 3});
$node->stop('immediate');
$node->start;
{
	my ($status, $out, $err) = $node->psql('postgres', q{SET lock_timeout = '200ms'; INSERT INTO perf.absence (employee_id, valid_during) VALUES (1, '[2024-01-01,2024-01-02)')});
	like($err, qr/canceling statement due to lock timeout/, 'a prepared transaction holds its chains across a crash');
}
is($node->safe_psql('postgres', q{SELECT count(*) FROM perf.audit_head WHERE sequence > (SELECT max(sequence) FROM perf.audit_block_head b WHERE b.subject = audit_head.subject)}), '1', 'and shows nothing of them');
my $before = $node->safe_psql('postgres', 'SELECT max(block) FROM perf.audit_block');
$node->safe_psql('postgres', q{BEGIN; SELECT perf.seal_audit(); PREPARE TRANSACTION 'seal'});
$node->stop('immediate');
$node->start;
{
	my ($status, $out, $err) = $node->psql('postgres', 'SELECT perf.seal_audit()');
	like($err, qr/another session seals the ledger/, 'nor does another seal pass a prepared one');
}
$node->safe_psql('postgres', q{COMMIT PREPARED 'change'});
$node->safe_psql('postgres', q{COMMIT PREPARED 'seal'});
is($node->safe_psql('postgres', 'SELECT perf.seal_audit()'), $before + 2, 'both committed');
is($node->safe_psql('postgres', 'SELECT string_agg(entries::text, $$,$$ ORDER BY block) FROM perf.audit_block WHERE block > ' . $before), '1,2', 'each in its block');
is($node->safe_psql('postgres', q{SELECT count(*) FROM perf.audit_log WHERE row_after ->> 'email' = 'prepared'}), '2', 'the change is there');

# A savepoint that grew the table of heads, taken back, and VACUUM cut it off
{
	my $session = start_psql();
	my $hire = sub { "INSERT INTO perf.employee (employee_id, external_id, full_name, hired_on) SELECT n, 'E' || n, 'Person ' || n, '2020-01-01' FROM generate_series($_[0], $_[1]) n;" };
	say_to($session, 'BEGIN; SAVEPOINT s; ' . $hire->(10001, 15000) . ' ROLLBACK TO s;');
	my $size = q{SELECT pg_relation_size('perf.audit_head')};
	my $grown = $node->safe_psql('postgres', $size);
	$node->safe_psql('postgres', 'VACUUM perf.audit_head');
	cmp_ok($node->safe_psql('postgres', $size), '<', $grown / 2, 'VACUUM cut the table of heads');
	say_to($session, $hire->(14990, 15000) . ' COMMIT;');
	is($session->{err}, '', 'the transaction goes on');
	$session->{in} .= "\\q\n";
	eval { $session->{run}->finish };
	is($node->safe_psql('postgres', 'SELECT count(*) FROM perf.audit_head WHERE subject > 10000 AND sequence = 1'), '11', 'and extends the chains');
}
is($node->safe_psql('postgres', $anchored->()), 'anchored_ok|', 'whole at the end');
is($node->safe_psql('postgres', 'SELECT count(*) FROM perf.reconcile_audit()'), '0', 'and as the tables are');

done_testing();
