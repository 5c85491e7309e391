# pg_cron runs pip_remind(): each date of a case is queued once, and nothing is
# decided.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($libdir) = run_command([ 'pg_config', '--pkglibdir' ]);
plan skip_all => 'the package of pg_cron for this PostgreSQL is not installed' unless -e "$libdir/pg_cron.so";

my $node = PostgreSQL::Test::Cluster->new('cron');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_cron'\ncron.database_name = 'postgres'\ncron.use_background_workers = on\nmax_worker_processes = 20");
$node->start;

$node->safe_psql('postgres', q{
    CREATE EXTENSION pg_cron;
    CREATE EXTENSION perfmgmt;
    CALL perfmgmt.install();
    INSERT INTO perf.team VALUES (1, 'company', NULL);
    INSERT INTO perf.employee (employee_id, external_id, full_name, hired_on) SELECT n, 'E' || n, 'Person ' || n, '2020-01-01' FROM generate_series(1, 5) n;
    INSERT INTO perf.assignment (employee_id, manager_id, team_id, level_code, valid_during)
    SELECT n, CASE WHEN n > 1 THEN 1 END, 1, 'SDE I', '[2020-01-01,)' FROM generate_series(1, 5) n;
    SELECT perf.appoint(2, 'hr', 'x'), perf.appoint(3, 'hr', 'x')});
# 5 comes into Focus eighty days ago, so that the review is overdue
$node->safe_psql('postgres', $_) foreach (
    q{SELECT set_config('perfmgmt.today', (CURRENT_DATE - 80)::text, false); BEGIN; SELECT perfmgmt.act_as(1); SELECT perf.pip_advance(5, 'identify', 'x'); COMMIT;
      BEGIN; SELECT perfmgmt.act_as(1); SELECT perf.pip_advance(5, 'enroll', 'x'); COMMIT;
      BEGIN; SELECT perfmgmt.act_as(2); SELECT perf.approve(decision_id) FROM perf.decision WHERE decision_kind = 'pip_step'; COMMIT});
# decisions queue events as well; those are not about dates
my $reminders = q{SELECT employee_id, event, detail ->> 'pip_case_id' FROM perf.outbox WHERE event LIKE 'pip.%'};
is($node->safe_psql('postgres', $reminders), '', 'nothing about a case is queued by itself');

# seconds since pg_cron 1.5, minutes before
my $version = $node->safe_psql('postgres', q{SELECT extversion FROM pg_extension WHERE extname = 'pg_cron'});
my $every = $version >= 1.5 ? '1 second' : '* * * * *';
$node->safe_psql('postgres', "SELECT cron.schedule('pip reminders', '$every', 'SELECT perf.pip_remind()')");
ok($node->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM cron.job_run_details WHERE status = 'succeeded')}), "pg_cron $version ran the job");
is($node->safe_psql('postgres', $reminders), '1|pip.overdue|1', 'the manager is reminded');
is($node->safe_psql('postgres', 'SELECT perf.pip_remind()'), '0', 'once');
is($node->safe_psql('postgres', $reminders), '1|pip.overdue|1', 'with nothing added');
is($node->safe_psql('postgres', 'SELECT stage, events FROM perf.pip_case'), 'focus|2', 'and nothing is decided');
is($node->safe_psql('postgres', q{SELECT count(*) FROM perf.pip_event WHERE event NOT IN ('identify', 'enroll')}), '0', 'no event was written');
is($node->safe_psql('postgres', q{SELECT string_agg(outcome, ',') FROM perf.decision WHERE decision_kind = 'pip_step'}), 'approved', 'no step was proposed');

$node->stop;
done_testing();
