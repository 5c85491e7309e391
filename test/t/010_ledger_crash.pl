# Crashes under 16 writers, at random moments: kill -9 of a process of the server,
# or an immediate stop. After each restart the ledger has no gap and no bad link,
# lost nothing that was acknowledged, fits the last digest, and the tables are as
# it says. Three crashes, or with PERFMGMT_LONG=1 a hundred. PERFMGMT_SEED repeats
# the random choices, as far as the machine does.

use strict;
use warnings;

use File::Spec;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Crashed;
use Time::HiRes qw(sleep);

my $crashes = $ENV{PERFMGMT_LONG} ? 100 : 3;
my $writers = 16;
my $people = 40;
my $seed = $ENV{PERFMGMT_SEED} // int(rand(1 << 30));
srand($seed);
diag "PERFMGMT_SEED=$seed";

# What the system was told stays written when processes die: no fsync needed.
my $node = PostgreSQL::Test::Cluster->new('crash');
$node->init;
$node->append_conf('postgresql.conf', q{
max_connections = 40
restart_after_crash = on
fsync = off
synchronous_commit = on
deadlock_timeout = 50ms
autovacuum_naptime = 1s
log_statement = none
checkpoint_timeout = 30s
});
$node->start;
$node->safe_psql('postgres', qq{
	CREATE EXTENSION perfmgmt;
	CALL perfmgmt.install();
	INSERT INTO perf.team (team_id, team_code) VALUES (1, 'company');
	INSERT INTO perf.employee (employee_id, external_id, full_name, hired_on)
	SELECT n, 'E' || n, 'Person ' || n, '2020-01-01' FROM generate_series(1, $people) n});

my $dir = PostgreSQL::Test::Utils::tempdir();
my $psql = $node->config_data('--bindir') . '/psql';

sub somebody { return 1 + int(rand($people)) }

# A transaction as an application has it, and the people in it. Statements of
# several people lock their chains in order, two statements need not.
sub transaction
{
	my ($writer, $number) = @_;
	my @who;
	my $sql = '';
	foreach (1 .. 1 + int(rand(3)))
	{
		my ($a, $b, $c) = (somebody(), somebody(), somebody());
		my $kind = int(rand(12));
		if ($kind < 4)
		{
			$sql .= "INSERT INTO perf.absence (employee_id, valid_during) VALUES ($a, daterange('2024-01-01', '2024-01-02'::date + $number));\n";
			push @who, $a;
		}
		elsif ($kind < 7)
		{
			$sql .= "UPDATE perf.employee SET email = 'w$writer.$number' WHERE employee_id IN ($a, $b, $c);\n";
			push @who, $a, $b, $c;
		}
		elsif ($kind < 8)
		{
			$sql .= "INSERT INTO perf.absence (employee_id, valid_during) SELECT n, daterange('2024-01-01', '2024-02-01') FROM unnest(ARRAY[$c, $a, $b, $a]) n;\n";
			push @who, $a, $b, $c;
		}
		elsif ($kind < 9)
		{
			$sql .= "UPDATE perf.absence SET valid_during = daterange('2024-01-01', '2024-03-01'::date + $number) WHERE employee_id IN ($a, $b);\n";
			push @who, $a, $b;
		}
		elsif ($kind < 10)
		{
			$sql .= "DELETE FROM perf.absence WHERE employee_id IN ($a, $b);\n";
			push @who, $a, $b;
		}
		elsif ($kind < 11)
		{
			$sql .= "SAVEPOINT s; DELETE FROM perf.absence WHERE employee_id IN ($a, $c); ROLLBACK TO s;\n"
			  . "UPDATE perf.employee SET email = 'w$writer.$number.s' WHERE employee_id = $c;\n";
			push @who, $c;
		}
		else
		{
			$sql .= "UPDATE perf.team SET team_code = 'company $writer.$number' WHERE team_id = 1;\n";
			push @who, 0;
		}
	}
	return ($sql, join(', ', @who));
}

# After the acknowledgement of a commit the writer notes where it left the
# chains, in a file beside the database. What was taken back, as by a deadlock,
# is tried once more.
sub attempt
{
	my ($sql, $who) = @_;
	return "BEGIN;\n$sql"
	  . "SELECT string_agg(format('%s %s %s', subject, sequence, encode(hash, 'hex')), ',') AS mark FROM perf.audit_head WHERE subject IN ($who) \\gset\n"
	  . "COMMIT;\n"
	  . "\\if :{?mark}\n\\if :ERROR\n\\else\n\\echo :mark\n\\endif\n\\endif\n";
}

sub start_writers
{
	my ($round) = @_;
	my @running;
	foreach my $writer (1 .. $writers)
	{
		my $script = '';
		foreach my $number (1 .. 300)
		{
			my $attempt = attempt(transaction($writer, $number));
			$script .= "\\unset mark\n$attempt\\if :{?mark}\n\\else\n$attempt\\endif\n";
		}
		unlink "$dir/writer$writer.sql";
		append_to_file("$dir/writer$writer.sql", $script);
		push @running, IPC::Run::start([ $psql, '-X', '-q', '-A', '-t', '-d', $node->connstr('postgres'), '-f', "$dir/writer$writer.sql" ],
			'<', File::Spec->devnull, '>', "$dir/marks.$round.$writer", '2>', "$dir/errors.$round.$writer");
	}
	# and one who seals and keeps the digests
	unlink "$dir/sealer.sql";
	append_to_file("$dir/sealer.sql", "SELECT perf.seal_audit() \\gset\nSELECT perf.audit_digest();\nSELECT pg_sleep(0.05) \\gset\n" x 100);
	push @running, IPC::Run::start([ $psql, '-X', '-q', '-A', '-t', '-d', $node->connstr('postgres'), '-f', "$dir/sealer.sql" ],
		'<', File::Spec->devnull, '>', "$dir/digests.$round", '2>', "$dir/errors.$round.sealer");
	return @running;
}

sub last_line
{
	my @lines = grep { /^\{/ } split /\n/, slurp_file($_[0]);
	return $lines[-1];
}

my ($digest, $acknowledged, $deadlocks, %crash) = ('', 0, 0);
foreach my $round (1 .. $crashes)
{
	my @running = start_writers($round);
	$node->poll_query_until('postgres', q{
		SELECT count(*) > 10 FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()})
	  or die 'no writers';
	my ($how, $pid) = ('immediate stop', 0);
	if (rand() < 0.65)
	{
		# mostly a writer; now and then the checkpointer or another of the server's own
		my @victims = split /\n/, $node->safe_psql('postgres', q{
			SELECT pid || ' ' || backend_type FROM pg_stat_activity
			WHERE pid <> pg_backend_pid() AND backend_type <> 'autovacuum worker'
			ORDER BY backend_type = 'client backend' DESC, pid});
		($pid, $how) = split / /, $victims[ rand() < 0.7 ? int(rand($writers)) % @victims : int(rand(@victims)) ], 2;
	}
	sleep(rand(0.7));
	if ($pid)
	{
		kill('KILL', $pid) or $how = 'immediate stop';
	}
	if ($how eq 'immediate stop')
	{
		$node->stop('immediate');
		$node->start;
	}
	$crash{$how}++;
	foreach (@running)
	{
		eval { $_->finish };
	}
	wait_until_ready($node);

	my $kept = last_line("$dir/digests.$round");
	$digest = $kept if defined $kept;
	unlink "$dir/marks";
	append_to_file("$dir/marks", join('', map { s/,/\n/gr } grep { /^[0-9]+ [0-9]+ / } map { slurp_file("$dir/marks.$round.$_") } 1 .. $writers));
	my ($status, $stdout, $stderr) = $node->psql('postgres', qq{
		CREATE TEMP TABLE mark (subject int, sequence bigint, hash text);
		\\copy mark FROM '$dir/marks' (DELIMITER ' ')
		SELECT count(*), count(*) FILTER (WHERE encode(e.hash, 'hex') IS DISTINCT FROM m.hash)
		FROM mark m LEFT JOIN perf.audit_entry e USING (subject, sequence)});
	my ($marks, $lost) = split /\|/, $stdout;
	$acknowledged += $marks;
	is($lost, '0', "crash $round ($how): nothing that was acknowledged is lost") or diag $stderr;
	my $against = $digest eq '' ? 'NULL' : "'$digest'";
	is($node->safe_psql('postgres', qq{
		SELECT status, broken_table, broken_subject, broken_sequence, problem FROM perf.verify_audit($against)}),
		$digest eq '' ? 'unanchored||||' : 'anchored_ok||||', "crash $round: no gap, no bad link, as the last digest says");
	is($node->safe_psql('postgres', 'SELECT * FROM perf.reconcile_audit() LIMIT 3'), '', "crash $round: the tables are as the ledger says");
	foreach my $writer (1 .. $writers, 'sealer')
	{
		my $errors = slurp_file("$dir/errors.$round.$writer");
		$deadlocks += () = $errors =~ /deadlock detected/g;
		# what a deadlock or the crash leads to
		my @other = grep { /ERROR|FATAL/ && !/deadlock detected|current transaction is aborted|savepoint "s" does not exist|crash of another server process|the database system is|terminating connection|immediate shutdown/ }
		  split /\n/, $errors;
		is("@other", '', "crash $round: errors of writer $writer") if @other;
		unlink "$dir/errors.$round.$writer", "$dir/marks.$round.$writer";
	}
}
cmp_ok($acknowledged, '>', 50 * $crashes, 'there was something to lose');
isnt($digest, '', 'blocks were sealed meanwhile');
diag sprintf('%d crashes (%s), %d marks of acknowledged commits, %d deadlocks retried, %s entries in %s blocks',
	$crashes, join(', ', map { "$crash{$_} $_" } sort keys %crash), $acknowledged, $deadlocks,
	split(/\|/, $node->safe_psql('postgres', 'SELECT entries, blocks FROM perf.verify_audit()')));

done_testing();
