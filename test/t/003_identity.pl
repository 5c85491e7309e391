# Who is asking, with real logins: the application's, people's own, and others.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "max_prepared_transactions = 2\nsession_preload_libraries = ''");
$node->start;

# 1 leads 2, 3 and 6, 2 leads 4; 5 left; 6 is HR
$node->safe_psql('postgres', q{
    CREATE EXTENSION perfmgmt;
    CALL perfmgmt.install();
    INSERT INTO perf.team VALUES (1, 'company', NULL);
    INSERT INTO perf.employee (employee_id, external_id, full_name, hired_on, left_on)
    SELECT n, 'E' || n, 'Person ' || n, '2020-01-01', CASE n WHEN 5 THEN date '2021-01-01' END FROM generate_series(1, 6) n;
    INSERT INTO perf.assignment (employee_id, manager_id, team_id, level_code, valid_during)
    SELECT n, m, 1, 'SDE I', daterange('2020-01-01', CASE n WHEN 5 THEN date '2021-01-01' END)
    FROM (VALUES (1, NULL), (2, 1), (3, 1), (4, 2), (5, 1), (6, 1)) a(n, m);
    SELECT perf.appoint(6, 'hr', 'first');
    SELECT perf.create_cycle('c', '2020-07-01', '2021-06-30');
    SELECT perf.open_cycle(1);
    CREATE ROLE application LOGIN IN ROLE perfmgmt_app;
    CREATE ROLE stranger LOGIN;
    CREATE ROLE leader LOGIN IN ROLE perfmgmt_leader;
    CREATE ROLE leaver LOGIN IN ROLE perfmgmt_leader;
    CREATE ROLE unmapped LOGIN IN ROLE perfmgmt_leader;
    CREATE ROLE hr_person LOGIN IN ROLE perfmgmt_hr;
    SELECT perf.map_login('leader', 1), perf.map_login('leaver', 5), perf.map_login('hr_person', 6);
    CREATE DATABASE other;
});

sub as_user
{
    my ($user, $sql, %params) = @_;
    my ($status, $out, $err) = $node->psql('postgres', $sql, extra_params => [ '-U', $user ], on_error_stop => 1, %params);
    return ($status, $out, $err);
}

sub answer_is
{
    my ($user, $sql, $expected, $name) = @_;
    my ($status, $out, $err) = as_user($user, $sql);
    $out =~ s/^\s+//;
    is($out, $expected, $name) or diag($err);
}

sub refused
{
    my ($user, $sql, $pattern, $name) = @_;
    my ($status, $out, $err) = as_user($user, "\\set VERBOSITY verbose\n$sql");
    isnt($status, 0, "$name: refused");
    like($err, $pattern, "$name: as it should");
}

# Who may act ---------------------------------------------------------------

my $see = 'SELECT string_agg(employee_id::text, \',\' ORDER BY employee_id) FROM perf.participation';
answer_is('application', "BEGIN; SELECT perfmgmt.act_as(1); SET LOCAL ROLE perfmgmt_leader; $see; COMMIT",
    '2,3,4,6', 'the application acts as the top and sees everybody below');
answer_is('application', "BEGIN; SELECT perfmgmt.act_as(2); SET LOCAL ROLE perfmgmt_leader; $see; COMMIT",
    '4', 'and as a manager the one below');
answer_is('application', "BEGIN; SELECT perfmgmt.act_as(6); SET LOCAL ROLE perfmgmt_hr; $see; COMMIT",
    '1,2,3,4,5', 'and as HR everybody else');
answer_is('application', "BEGIN; SELECT perfmgmt.act_as(2); SET LOCAL ROLE perfmgmt_hr; SELECT count(*) FROM perf.participation; COMMIT",
    '0', 'the role of HR without the appointment shows nothing');
answer_is('application', "BEGIN; SET LOCAL ROLE perfmgmt_leader; SELECT count(*) FROM perf.participation; COMMIT",
    '0', 'without act_as() there is nothing to see');
answer_is('application', "BEGIN; SELECT perfmgmt.act_as(1); COMMIT; BEGIN; SET LOCAL ROLE perfmgmt_leader; SELECT count(*) FROM perf.participation; COMMIT",
    '0', 'nor in the next transaction of the same connection');
answer_is('application', "BEGIN; SELECT perfmgmt.act_as(1); SET LOCAL ROLE perfmgmt_leader; COMMIT; SELECT current_user, perfmgmt.actor_id()",
    'application|', 'role and identity end together');
refused('application', 'BEGIN; SELECT perfmgmt.act_as(1); SELECT count(*) FROM perf.participation', qr/42501/, 'the application without a role');
refused('application', 'SELECT perfmgmt.act_as(1)', qr/25P01.*BEGIN first/s, 'act_as() outside of a transaction block');
refused('application', 'BEGIN; SELECT perfmgmt.act_as(5)', qr/PM003/, 'a person who left');
refused('application', 'BEGIN; SELECT perfmgmt.act_as(99)', qr/PM003/, 'an unknown person');
refused('application', 'BEGIN; SELECT perfmgmt.act_as(1); COMMIT AND CHAIN; SELECT perfmgmt.act_as(2); SELECT perfmgmt.act_as(1)',
    qr/PM003/, 'a second person, in a chained transaction');
refused('stranger', 'BEGIN; SELECT perfmgmt.act_as(1)', qr/42501.*perfmgmt_app/s, 'somebody who is no member of perfmgmt_app');
refused('leader', 'BEGIN; SELECT perfmgmt.act_as(2)', qr/42501/, 'a leader with a login');
refused('stranger', 'SELECT count(*) FROM perf.participation', qr/42501/, 'a stranger at a table');
# the session user counts, not a role that it took or a function's owner
$node->safe_psql('postgres', q{CREATE FUNCTION public.borrowed() RETURNS void SECURITY DEFINER LANGUAGE sql AS 'SELECT perfmgmt.act_as(1)'});
refused('stranger', 'BEGIN; SELECT public.borrowed()', qr/42501/, 'a stranger through a function of the superuser');

# Two statements in one message are a transaction.
answer_is('application', "SELECT perfmgmt.act_as(1)\\; SELECT perfmgmt.actor_id();", '1', 'statements sent together are a transaction block');

# People's own logins -------------------------------------------------------

answer_is('leader', $see, '2,3,4,6', 'a mapped login sees what the person sees');
answer_is('leader', 'SELECT perfmgmt.actor_id(), current_setting(\'perfmgmt.actor_id\')', '1|', 'without the parameter');
answer_is('hr_person', 'SELECT perfmgmt.has_appointment(\'hr\'), (SELECT count(*) FROM perf.participation)', 't|5', 'with the appointments');
answer_is('leaver', 'SELECT coalesce(perfmgmt.actor_id(), -1), count(*) FROM perf.participation', '-1|0', 'the login of a person who left is nobody');
answer_is('unmapped', 'SELECT coalesce(perfmgmt.actor_id(), -1), count(*) FROM perf.participation', '-1|0', 'a login without a person is nobody');
answer_is('leader', 'CREATE TEMP TABLE mine AS SELECT 1 AS i; SELECT i FROM mine', '1', 'an own login keeps what it likes in its session');
refused('hr_person', 'INSERT INTO perf.login VALUES (\'hr_person\', 1)', qr/42501/, 'HR writes no login directly');

# Writers of the parameter --------------------------------------------------

my $forged = '1;,hr,;;';
# Before the library is loaded it is a placeholder that anybody may set: it must come to nothing.
my ($status, $out, $err) =
  as_user('leader', "SET perfmgmt.actor_id = '2;,hr,;2,;'; SELECT perfmgmt.actor_id(), perfmgmt.has_appointment('hr'), current_setting('perfmgmt.actor_id')");
is($out, '1|f|', 'a placeholder set before the library is loaded comes to nothing');
like($err, qr/cannot be set directly/, 'with a warning');
($status, $out, $err) = as_user('leader',
    "BEGIN; SET LOCAL perfmgmt.actor_id = '2;,hr,;2,;'; SAVEPOINT s; SET LOCAL perfmgmt.actor_id = '3;,hr,;2,;'; SELECT perfmgmt.actor_id(); ROLLBACK TO s; SELECT perfmgmt.actor_id(), perfmgmt.has_appointment('hr'); ROLLBACK; SELECT perfmgmt.actor_id()");
is($out, "1\n1|f\n1", 'also one with savepoints');
{
    local $ENV{PGOPTIONS} = "-c perfmgmt.actor_id=2;,hr,;;";
    ($status, $out, $err) = as_user('leader', "SELECT perfmgmt.actor_id(), perfmgmt.has_appointment('hr')");
    is($out, '1|f', 'PGOPTIONS comes to nothing');
    ($status, $out, $err) = as_user('leader', "SELECT perfmgmt.actor_id(); RESET perfmgmt.actor_id; SELECT perfmgmt.actor_id(), perfmgmt.has_appointment('hr')");
    is($out, "1\n1|f", 'nor does RESET bring it back');
}
# a superuser may store a placeholder while the library is not loaded
for my $where ('ROLE leader', 'ROLE leader IN DATABASE postgres', 'ROLE ALL', 'DATABASE postgres')
{
    ($status, $out, $err) = $node->psql('other', "ALTER $where SET perfmgmt.actor_id = '2;,hr,;;'");
    is($status, 0, "ALTER $where SET is stored by a superuser who has not loaded the library");
    ($status, $out, $err) = as_user('leader', "SELECT perfmgmt.actor_id(), perfmgmt.has_appointment('hr')");
    is($out, '1|f', "and comes to nothing");
    $node->safe_psql('other', "ALTER $where RESET perfmgmt.actor_id");
}
refused('application', "SELECT perfmgmt.actor_id(); ALTER ROLE application SET perfmgmt.actor_id = '$forged'", qr/PM003/, 'ALTER ROLE with the library loaded');
($status, $out, $err) = $node->psql('postgres', "SELECT perfmgmt.actor_id(); ALTER SYSTEM SET perfmgmt.actor_id = '$forged'");
isnt($status, 0, 'ALTER SYSTEM is refused');
$node->append_conf('postgresql.conf', "perfmgmt.actor_id = '2;,hr,;;'");
$node->reload;
($status, $out, $err) = as_user('leader', "SELECT perfmgmt.actor_id(), perfmgmt.has_appointment('hr')");
is($out, '1|f', 'postgresql.conf comes to nothing');
$node->adjust_conf('postgresql.conf', 'perfmgmt.actor_id', undef, 1);

# a worker that loads the library itself gets no placeholder either
$node->safe_psql('postgres', q{
    CREATE TABLE public.big AS SELECT n FROM generate_series(1, 20000) n;
    ANALYZE public.big;
    GRANT SELECT ON public.big TO PUBLIC;
    CREATE FUNCTION public.late() RETURNS text PARALLEL SAFE STABLE LANGUAGE plpgsql
    AS $$BEGIN RETURN coalesce(perfmgmt.actor_id(), -1) || ' ' || perfmgmt.has_appointment('hr'); END$$;
});
my $parallel = q{SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
    SET min_parallel_table_scan_size = 0; SET parallel_leader_participation = off;};
($status, $out, $err) = as_user('leader', "SET perfmgmt.actor_id = '2;,hr,;;'; $parallel SELECT DISTINCT public.late() FROM public.big");
is($out, '1 false', 'a placeholder does not reach a parallel worker');
($status, $out, $err) = as_user('application', "$parallel BEGIN; SELECT perfmgmt.act_as(6); SELECT DISTINCT public.late() FROM public.big; COMMIT; SELECT DISTINCT public.late() FROM public.big");
is($out =~ s/^\s+//r, "6 true\n-1 false", 'a parallel worker acts as its leader does, and no longer') or diag($err);
($status, $out, $err) = as_user('hr_person', "$parallel SELECT DISTINCT public.late() FROM public.big");
is($out, '6 true', 'a parallel worker of an own login finds the person too') or diag($err);

# What outlives the transaction ---------------------------------------------

refused('application', "BEGIN; SELECT perfmgmt.act_as(1); PREPARE TRANSACTION 'p'", qr/PM003/, 'PREPARE TRANSACTION');
refused('application', "BEGIN; SELECT perfmgmt.act_as(1); RESET perfmgmt.actor_id; PREPARE TRANSACTION 'p'", qr/PM003/, 'PREPARE TRANSACTION after RESET');
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_prepared_xacts'), '0', 'nothing is prepared');
answer_is('application', "BEGIN; PREPARE TRANSACTION 'p'; ROLLBACK PREPARED 'p'; SELECT 1", '1', 'without an identity it works');
refused('application', "BEGIN; SELECT perfmgmt.act_as(1); DECLARE c CURSOR WITH HOLD FOR SELECT 1", qr/PM003/, 'a cursor WITH HOLD');
answer_is('application', q{BEGIN; SELECT perfmgmt.act_as(1); CREATE TEMP TABLE t ON COMMIT DROP AS SELECT 7 AS i; COMMIT; SELECT to_regclass('t') IS NULL},
    't', 'a temporary table goes with the transaction');
# a temporary table that was there before: it can be read, not filled
$node->safe_psql('postgres', q{CREATE TABLE public.by_trigger (i int); GRANT INSERT ON public.by_trigger TO application;
    CREATE FUNCTION public.fill_there() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO there VALUES (NEW.i); RETURN NEW; END';
    CREATE TRIGGER fill AFTER INSERT ON public.by_trigger FOR EACH ROW EXECUTE FUNCTION public.fill_there()});
my $there = 'CREATE TEMP TABLE there (i int); INSERT INTO there VALUES (1); CREATE TEMP VIEW window_to_there AS SELECT i FROM there; PREPARE fill AS INSERT INTO there VALUES (2)';
for my $filling (
    'INSERT INTO there VALUES (2)', 'INSERT INTO window_to_there VALUES (2)', 'INSERT INTO public.by_trigger VALUES (2)',
    'UPDATE there SET i = 2', 'DELETE FROM there', 'EXECUTE fill',
    'MERGE INTO there t USING (VALUES (1)) s(i) ON t.i = s.i WHEN MATCHED THEN UPDATE SET i = 2',
    'WITH filled AS (INSERT INTO there VALUES (2) RETURNING i) SELECT i FROM filled',
    "COPY there FROM STDIN;\n2\n\\.\n", q{ALTER TABLE there ADD told text DEFAULT '2'}, 'DO $$BEGIN INSERT INTO there VALUES (2); END$$')
{
    refused('application', "$there; BEGIN; SELECT perfmgmt.act_as(1); $filling", qr/PM003.*made before this transaction/s, $filling);
    refused('application', "$there; BEGIN; SELECT perfmgmt.act_as(1); RESET perfmgmt.actor_id; $filling", qr/PM003/, "after RESET, $filling");
    ($status, $out, $err) = as_user('application', "$there; BEGIN; $filling; COMMIT; BEGIN; SELECT perfmgmt.act_as(1); SELECT i FROM there; COMMIT");
    is($status, 0, "without an identity: $filling") or diag($err);
}
refused('application', "$there; BEGIN; INSERT INTO there SELECT 2 FROM (SELECT perfmgmt.act_as(1)) a", qr/PM003/, 'a statement that acts and fills');
refused('application', 'BEGIN; CREATE TEMP TABLE before (i int); SELECT perfmgmt.act_as(1)', qr/PM003.*Call act_as\(\) first/s,
    'a temporary table made earlier in the transaction, before the library is loaded');
refused('application', 'BEGIN; CREATE TEMP TABLE before AS SELECT 2 FROM (SELECT perfmgmt.act_as(1)) a', qr/PM003/, 'a statement that acts and makes one');
refused('application', 'BEGIN; DECLARE held CURSOR WITH HOLD FOR SELECT perfmgmt.act_as(1); COMMIT', qr/PM003/, 'a cursor WITH HOLD that acts at commit');
answer_is('application', "$there; BEGIN; CREATE TEMP TABLE before (i int); DROP TABLE before; SELECT perfmgmt.act_as(1);"
      . 'CREATE TEMP TABLE mine ON COMMIT DROP AS SELECT i FROM there; INSERT INTO mine VALUES (2); SELECT sum(i) FROM mine; COMMIT; SELECT to_regclass(\'mine\') IS NULL',
    "3\nt", 'a table that goes with the transaction can be filled');
# a prepared statement is planned anew for another person and role
my $plan = qq{PREPARE p AS $see; SET plan_cache_mode = force_generic_plan;
    BEGIN; SELECT perfmgmt.act_as(1); SET LOCAL ROLE perfmgmt_leader; EXECUTE p; COMMIT;
    BEGIN; SELECT perfmgmt.act_as(6); SET LOCAL ROLE perfmgmt_hr; EXECUTE p; COMMIT;
    BEGIN; SELECT perfmgmt.act_as(2); SET LOCAL ROLE perfmgmt_leader; EXECUTE p; COMMIT};
$node->safe_psql('postgres', 'GRANT USAGE ON SCHEMA perf TO application; GRANT SELECT ON perf.participation TO application');
($status, $out, $err) = as_user('application', $plan);
is($out =~ s/\n+/ /gr =~ s/^ //r, '2,3,4,6 1,2,3,4,5 4', 'a prepared statement follows the person') or diag($err);
$node->safe_psql('postgres', 'REVOKE SELECT ON perf.participation FROM application; REVOKE USAGE ON SCHEMA perf FROM application');
answer_is('application', "BEGIN; SELECT perfmgmt.act_as(1); COMMIT; DISCARD ALL; SELECT coalesce(perfmgmt.actor_id(), -1)", '-1', 'DISCARD ALL leaves nobody');
refused('application', "BEGIN; SELECT perfmgmt.act_as(1); DISCARD ALL", qr/25001/, 'DISCARD ALL while acting');

# What counts hidden rows ----------------------------------------------------

# also as the first statement of a session, before which the library is not loaded
my $counted = 'SELECT FROM perf.participation WHERE employee_id = 5';
for my $statement ("EXPLAIN ANALYZE $counted", "EXPLAIN (COSTS off, ANALYZE on) $counted", "EXPLAIN ANALYZE EXECUTE p",
    "EXPLAIN ANALYZE CREATE TEMP TABLE t ON COMMIT DROP AS $counted", 'EXPLAIN ANALYZE SELECT perfmgmt.actor_id()',
    "DO \$do\$ BEGIN EXECUTE 'EXPLAIN ANALYZE $counted'; END \$do\$")
{
    my $prepared = $statement =~ /EXECUTE p/ ? "PREPARE p AS $counted;" : '';
    refused($_, "$prepared $statement", qr/PM003.*It counts rows that are hidden/s, "$_, first: $statement") for qw(leader unmapped hr_person);
    refused('leader', "SELECT perfmgmt.actor_id(); $prepared $statement", qr/PM003/, "later: $statement");
}
refused('application', "BEGIN; SELECT perfmgmt.act_as(1); SET LOCAL ROLE perfmgmt_leader; EXPLAIN ANALYZE $counted", qr/PM003.*Use EXPLAIN without ANALYZE/s, 'EXPLAIN ANALYZE while acting');
for my $allowed ("EXPLAIN $counted", "EXPLAIN (ANALYZE off) $counted", "EXPLAIN (ANALYZE false, COSTS) $counted")
{
    ($status, $out, $err) = as_user('leader', $allowed);
    like($out, qr/Scan/, $allowed) or diag($err);
}
($status, $out, $err) = as_user('stranger', 'EXPLAIN ANALYZE SELECT perfmgmt.actor_id()');
is($status, 0, 'who reads no records may') or diag($err);
($status, $out, $err) = $node->psql('postgres', "EXPLAIN ANALYZE $counted");
is($status, 0, 'so may an administrator') or diag($err);
# statements that auto_explain measures are none of these
$node->append_conf('postgresql.conf', "session_preload_libraries = 'auto_explain'\nauto_explain.log_min_duration = 0\nauto_explain.log_analyze = on\nauto_explain.log_nested_statements = on");
$node->reload;
for my $statement ("BEGIN; SELECT perfmgmt.act_as(1); SET LOCAL ROLE perfmgmt_leader; $counted; COMMIT", 'DO $$BEGIN PERFORM perfmgmt.actor_id(); END$$')
{
    ($status, $out, $err) = as_user('application', $statement);
    is($status, 0, "measured by auto_explain: $statement") or diag($err);
}
refused('leader', "EXPLAIN ANALYZE $counted", qr/PM003/, 'beside auto_explain');
$node->append_conf('postgresql.conf', "session_preload_libraries = ''");
$node->reload;

# With the library preloaded ------------------------------------------------

$node->append_conf('postgresql.conf', "shared_preload_libraries = 'perfmgmt'");
$node->restart;
answer_is('application', "BEGIN; SELECT perfmgmt.act_as(2); SET LOCAL ROLE perfmgmt_leader; $see; COMMIT", '4', 'preloaded, all is the same');
refused('leader', "SET perfmgmt.actor_id = '2;,hr,;;'", qr/PM003/, 'SET');
refused('leader', "EXPLAIN ANALYZE $counted", qr/PM003/, 'EXPLAIN ANALYZE');
{
    local $ENV{PGOPTIONS} = "-c perfmgmt.actor_id=2;,hr,;;";
    ($status, $out, $err) = as_user('leader', "SELECT perfmgmt.actor_id(), perfmgmt.has_appointment('hr')");
    isnt($out, '2|t', 'PGOPTIONS makes nobody another person');
    like($err, qr/cannot be set directly/, 'and says so');
}

$node->stop;
done_testing();
