# 64 connections move people at random while chairs finalize and HR reopens: no
# change is lost, no hard bound breaks, and nobody gets an error that is not
# documented. A few seconds, or with PERFMGMT_LONG=1 a minute.

use strict;
use warnings;

use File::Spec;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $hands = 64;
my $seconds = $ENV{PERFMGMT_LONG} ? 60 : 5;

my $node = PostgreSQL::Test::Cluster->new('hands');
$node->init;
$node->append_conf('postgresql.conf', "max_connections = 100\nfsync = off\ndeadlock_timeout = '50ms'\nlog_statement = none\ntimezone = 'UTC'");
$node->start;

# 1 at the top, 2 to 65 the leaders, 66 to 68 HR, eight teams of 50 from 101 on.
# Session i is about teams i and i + 4; the leaders sit in all four, so that
# transactions cross.
$node->safe_psql('postgres', q{
    CREATE EXTENSION perfmgmt;
    CALL perfmgmt.install();
    SET search_path = perf, perfmgmt, public;
    INSERT INTO team VALUES (1, 'company', NULL);
    INSERT INTO team SELECT 1 + i, 'team ' || i, 1 FROM generate_series(1, 8) i;
    INSERT INTO employee (employee_id, external_id, full_name, hired_on)
    SELECT n, 'E' || n, 'Person ' || n, '2020-01-01' FROM (SELECT generate_series(1, 68) UNION SELECT generate_series(101, 500)) p(n);
    INSERT INTO assignment (employee_id, manager_id, team_id, level_code, valid_during)
    SELECT e.employee_id, CASE WHEN e.employee_id > 1 THEN 1 END, CASE WHEN e.employee_id > 100 THEN 2 + (e.employee_id - 101) / 50 ELSE 1 END,
           'SDE I', '[2020-01-01,)' FROM employee e;
    SELECT appoint(66, 'hr', 'x'), appoint(67, 'hr', 'x');
    SELECT create_cycle('c', '2024-07-01', '2025-06-30');
    SELECT open_cycle(1);
    SELECT advance_cycle(1);
    INSERT INTO principle_rating (employee_id, review_cycle_id, rater_id, relation, scores, level_rank, manager_chain)
    SELECT p.employee_id, 1, 1, 'manager', array_fill((1 + p.employee_id % 5)::smallint, ARRAY[16]), 1, '{1}' FROM participation p WHERE p.employee_id > 100;
    INSERT INTO assessment (employee_id, review_cycle_id, job_performance, potential, summary, source, manager_chain)
    SELECT p.employee_id, 1, 1 + p.employee_id % 5, 1 + p.employee_id % 4, 'x', 'manager', '{1}' FROM participation p WHERE p.employee_id > 100;
    SELECT calibrate(1);
    SELECT advance_cycle(1);
    INSERT INTO calibration_session (review_cycle_id, session_name, status) SELECT 1, 'session ' || i, 'active' FROM generate_series(1, 4) i;
    UPDATE overall_value SET calibration_session_id = 1 + (employee_id - 101) / 50 % 4 WHERE employee_id > 100;
    UPDATE participation SET calibration_session_id = 1 + (employee_id - 101) / 50 % 4 WHERE employee_id > 100;
    INSERT INTO session_subject (employee_id, review_cycle_id, calibration_session_id, added_reason, manager_chain)
    SELECT employee_id, 1, calibration_session_id, 'x', '{1}' FROM overall_value WHERE employee_id > 100;
    INSERT INTO session_participant
    SELECT n, s, CASE WHEN n <= 5 THEN 'chair' ELSE 'calibrator' END FROM generate_series(2, 65) n, generate_series(1, 4) s;

    -- what happened, written whether the work succeeded or not
    CREATE TABLE public.happened (outcome text);
    GRANT INSERT ON public.happened TO PUBLIC;

    -- one piece of work; an error takes it back and is noted
    CREATE FUNCTION public.hand(leader int, dice int[]) RETURNS text LANGUAGE plpgsql AS $$
    DECLARE
        session int := 1 + dice[1] % 4;
        tiers text[] := '{TT,HV3,HV2,HV1,LE}';
        people int[] := ARRAY(SELECT 101 + 50 * (session - 1 + 4 * (dice[1] / 4 % 2)) + d % 50 FROM unnest(dice[2:4]) d);
        change int;
    BEGIN
        PERFORM perfmgmt.act_as(leader);
        CASE
        WHEN dice[6] % 100 < 60 THEN   -- one person
            PERFORM perf.propose_change(session, people[1], tiers[1 + dice[5] % 5], 'evidence', 'one');
        WHEN dice[6] % 100 < 75 THEN   -- a swap between two tiers
            PERFORM perf.propose_changes(session, ARRAY[a.employee_id, b.employee_id], ARRAY[b.tier, a.tier], 'consistency', 'swap')
            FROM (SELECT o.employee_id, coalesce(o.calibrated_tier, o.quota_tier) AS tier FROM perf.overall_value o WHERE o.employee_id = people[1]) a,
                 (SELECT o.employee_id, coalesce(o.calibrated_tier, o.quota_tier) AS tier FROM perf.overall_value o WHERE o.employee_id = people[2]) b
            WHERE a.employee_id <> b.employee_id;
        WHEN dice[6] % 100 < 85 THEN   -- two sessions, in any order: may cross
            PERFORM perf.propose_change(session, people[1], tiers[1 + dice[5] % 5], 'scope', 'first');
            PERFORM perf.propose_change(1 + dice[3] % 4, 101 + 50 * (dice[3] % 4) + dice[4] % 50, tiers[1 + dice[2] % 5], 'scope', 'second');
        WHEN dice[6] % 100 < 95 THEN   -- take back the last change of somebody
            SELECT max(c.calibration_change_id) INTO change FROM perf.calibration_change c WHERE c.employee_id = people[1];
            IF change IS NOT NULL THEN
                PERFORM perf.withdraw_change(change, 'taken back');
            END IF;
        ELSE
            PERFORM perf.rank_subject(session, people[1], 1 + dice[5] % 9);
        END CASE;
        SET CONSTRAINTS ALL IMMEDIATE;
        RETURN 'done';
    EXCEPTION WHEN OTHERS THEN
        RETURN SQLSTATE || ' ' || SQLERRM;
    END
    $$;
});


# 51 hands whose errors are caught and noted
my $dir = PostgreSQL::Test::Utils::tempdir();
append_to_file("$dir/work", join('', map { "\\set d$_ random(0, 1000000)\n" } 1 .. 6)
	. "\\set leader 2 + :client_id % 64\n"
	. 'INSERT INTO happened (outcome) SELECT hand(:leader, ARRAY[' . join(', ', map { ":d$_" } 1 .. 6) . "]);\n");

# 12 whose commit itself may be refused
sub late_hand
{
	my ($number) = @_;
	my $script = "\\set VERBOSITY sqlstate\nSELECT clock_timestamp() + interval '$seconds s' AS until \\gset\n";
	foreach (1 .. 100 * $seconds)
	{
		my $session = int(rand(4));
		my $first = 101 + 50 * ($session + 4 * int(rand(2)));
		my @people = (int(rand(50)));
		push @people, ($people[0] + 1 + int(rand(49))) % 50;
		my $tier = (qw(TT HV3 HV2 HV1 LE))[ rand(5) ];
		$script .= sprintf("BEGIN; SELECT perfmgmt.act_as(%d); SELECT perf.propose_change(%d, %d, '%s', 'context', 'at commit'); ",
			2 + int(rand(64)), $session + 1, $first + $people[0], $tier);
		$script .= sprintf("SELECT perf.propose_change(%d, %d, '%s', 'context', 'and another'); ",
			$session + 1, $first + $people[1], (qw(TT HV3 HV2 HV1 LE))[ rand(5) ])
		  if rand() < 0.5;
		$script .= "COMMIT;\nSELECT clock_timestamp() > :'until' AS over \\gset\n\\if :over\n\\quit\n\\endif\n";
	}
	append_to_file("$dir/late$number", $script);
	return "$dir/late$number";
}

# into files: a pipe that nobody reads would stop a hand in its transaction
my @running;
sub in_background
{
	my ($output, @command) = @_;
	push @running, IPC::Run::start(\@command, '<', File::Spec->devnull, '>', $output, '2>&1');
}
my $bin = $node->config_data('--bindir');
my @late = map { late_hand($_) } 1 .. 12;
my $started = time;
in_background("$dir/work.out", "$bin/pgbench", '-n', '-T', $seconds, '-j', 2, '-c', $hands - 13, '-f', "$dir/work", '-d', $node->connstr('postgres'));
in_background("$_.out", "$bin/psql", '-X', '-q', '-A', '-t', '-d', $node->connstr('postgres'), '-f', $_) foreach @late;

# and one that ends sessions and opens them again
my ($ended, $reopened, $turn) = (0, 0, 0);
my %error;
sub note_errors
{
	# 25P02 only says that the statement before failed
	$error{$_}++ foreach grep { $_ ne '25P02' } $_[0] =~ /ERROR:\s+(\S{5})/g;
}
while (time < $started + $seconds)
{
	my $s = 1 + $turn++ % 4;
	my ($rc, $out, $err) = $node->psql('postgres', qq{
		\\set VERBOSITY sqlstate
		BEGIN; SELECT perfmgmt.act_as(1 + $s); SELECT perf.finalize_session($s); COMMIT;});
	note_errors($err);
	next if $rc;
	$ended++;
	# nobody else moves people of these pools
	$error{'broken bound'}++ if $node->safe_psql('postgres', qq{
		SELECT count(*) FROM (SELECT DISTINCT o.calibration_pool_id FROM perf.overall_value o WHERE o.calibration_session_id = $s) p
		CROSS JOIN LATERAL perf.pool_against_bounds(p.calibration_pool_id) b
		WHERE b.is_hard AND (b.people > b.maximum_seats OR b.people < b.minimum_seats)}) ne '0';
	($rc, $out, $err) = $node->psql('postgres', qq{
		\\set VERBOSITY sqlstate
		BEGIN; SELECT perfmgmt.act_as(66); SELECT perf.propose_session_reopening($s, 'again'); COMMIT;
		});
	note_errors($err);
	($rc, $out, $err) = $node->psql('postgres', qq{
		\\set VERBOSITY sqlstate
		BEGIN; SELECT perfmgmt.act_as(67); SELECT perf.approve(max(decision_id)) FROM perf.decision WHERE outcome = 'pending'; COMMIT;});
	note_errors($err);
	$reopened++ if $rc == 0;
}
$_->finish foreach @running;
my $took = time - $started;

note_errors(slurp_file("$_.out")) foreach @late;
my $worked = slurp_file("$dir/work.out");
foreach (split /\n/, $node->safe_psql('postgres', q{SELECT left(outcome, 5), count(*) FROM happened WHERE outcome <> 'done' GROUP BY 1}))
{
	my ($code, $n) = split /\|/;
	$error{$code} += $n;
}
like($worked, qr/number of transactions actually processed: \d+/, 'the hands worked to the end')
  or diag $worked;
unlike($worked, qr/abort|ERROR/, 'none of them stopped') or diag $worked;
is(join(' ', grep { !/^(PM009|PM004|40P01)$/ } sort keys %error), '', 'no error but the documented ones')
  or diag $node->safe_psql('postgres', q{SELECT outcome, count(*) FROM happened GROUP BY 1 ORDER BY 2 DESC LIMIT 20});
cmp_ok($error{PM009} // 0, '>', 10, 'hard bounds were in the way');
cmp_ok($ended, '>', 0, 'sessions ended under way');
cmp_ok($reopened, '>', 0, 'and were opened again');

# no lost change: each one begins where the one before ended, the first in the
# quota tier, and the person stands where the last one ended
is($node->safe_psql('postgres', q{
	SELECT count(*) FROM (
		SELECT c.old_tier, coalesce(lag(c.new_tier) OVER (PARTITION BY c.employee_id ORDER BY c.calibration_change_id), o.quota_tier) AS before
		FROM perf.calibration_change c JOIN perf.overall_value o USING (employee_id, review_cycle_id)) f
	WHERE f.old_tier <> f.before}), '0', 'each change begins where the one before ended');
is($node->safe_psql('postgres', q{
	SELECT count(*) FROM perf.overall_value o WHERE o.calibrated_tier IS DISTINCT FROM
		(SELECT c.new_tier FROM perf.calibration_change c WHERE c.employee_id = o.employee_id ORDER BY c.calibration_change_id DESC LIMIT 1)}),
	'0', 'everybody stands where the last change ended');
is($node->safe_psql('postgres', q{
	SELECT string_agg(format('%s %s: %s of %s to %s', p.pool_name, b.tiers, b.people, b.minimum_seats, b.maximum_seats), ', ')
	FROM perf.calibration_pool p CROSS JOIN LATERAL perf.pool_against_bounds(p.calibration_pool_id) b
	WHERE b.is_hard AND (b.people > b.maximum_seats OR b.people < b.minimum_seats)}), '', 'every hard bound holds at the end');
my ($changes, $moves) = split /\|/, $node->safe_psql('postgres', 'SELECT count(*), count(DISTINCT changed_in) FROM perf.calibration_change');
cmp_ok($changes, '>', 100, 'people were moved');
diag sprintf('%d hands, %d s: %d moves, %.0f a second, in %d transactions; %d ends, %d reopenings; refused: %s',
	$hands, $took, $changes, $changes / $took, $moves, $ended, $reopened, join(', ', map { "$_ $error{$_}" } sort keys %error));

done_testing();
