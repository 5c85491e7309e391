# install() with the rights it needs and no more, twice, without them, over newer
# records, and beside what users add.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
my $since_16 = $node->safe_psql('postgres', 'SHOW server_version_num') >= 160000;

sub as_user
{
    my ($user, $database, $sql) = @_;
    return $node->psql($database, $sql, extra_params => [ '-U', $user ], on_error_stop => 1);
}

sub works
{
    my ($user, $database, $sql, $name) = @_;
    my ($status, $out, $err) = as_user($user, $database, $sql);
    is($status, 0, $name) or diag($err);
    return $out;
}

# What is the same after every install: objects with owner, rights and definition.
my $everything = q{
    SELECT string_agg(line, E'\n' ORDER BY line) FROM (
        SELECT format('%s %s %s %s', c.oid::regclass, c.relowner::regrole, c.relacl, c.reloptions) AS line FROM pg_class c
        WHERE c.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('perf', 'forte', 'olr', 'insight'))
        UNION ALL
        SELECT format('%s %s %s %s %s', p.oid::regprocedure, p.proowner::regrole, p.proacl, p.prosecdef, p.proconfig) FROM pg_proc p
        WHERE p.pronamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('perf', 'forte', 'olr', 'insight'))
        UNION ALL
        SELECT format('%s %s %s', polrelid::regclass, polname, pg_get_expr(polqual, polrelid)) FROM pg_policy
        UNION ALL
        SELECT format('%s %s', tgrelid::regclass, tgname) FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL
        SELECT format('%s %s', nspname, nspacl) FROM pg_namespace) o};
my $members = q{
    SELECT count(*) FROM pg_auth_members m
    WHERE m.roleid IN ('perfmgmt_engine'::regrole, 'perfmgmt_ledger'::regrole)
      AND coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, true)
      AND coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)};

# The owner of the database, with CREATEROLE ---------------------------------

$node->safe_psql('postgres', 'CREATE ROLE installer LOGIN CREATEROLE; CREATE DATABASE company OWNER installer');
works('installer', 'company', 'CREATE EXTENSION perfmgmt', 'the owner of a database creates the extension');
works('installer', 'company', 'CALL perfmgmt.install()', 'and installs the records');
is($node->safe_psql('company', $members), '0', 'the membership in the owning roles is handed back');
my $before = $node->safe_psql('company', $everything);
works('installer', 'company', 'CALL perfmgmt.install()', 'install() can be run again');
is($node->safe_psql('company', $everything), $before, 'and changes nothing');
is($node->safe_psql('company', $members), '0', 'and hands the membership back');
is($node->safe_psql('company', 'SELECT count(*) FROM perf.schema_version'), '1', 'the version is one row');
is($node->safe_psql('company', q{SELECT count(*) FROM pg_proc p, perfmgmt.privileged_routine() r
                                 WHERE p.oid = r.routine::regprocedure AND p.prosecdef AND p.proowner = r.owner::regrole}),
    $node->safe_psql('company', 'SELECT count(*) FROM perfmgmt.privileged_routine()'), 'the privileged routines have their owner');
is($node->safe_psql('company', q{SELECT DISTINCT relowner::regrole FROM pg_class WHERE relnamespace = 'perf'::regnamespace
                                 AND relname NOT LIKE 'audit\_%' AND relname NOT LIKE 'access\_log%'}),
    'installer', 'the tables belong to the caller');
$node->safe_psql('company', q{
    INSERT INTO perf.team VALUES (1, 'company', NULL);
    INSERT INTO perf.employee (employee_id, external_id, full_name, hired_on) SELECT n, 'E' || n, 'P' || n, '2020-01-01' FROM generate_series(1, 3) n;
    INSERT INTO perf.assignment (employee_id, manager_id, team_id, level_code, valid_during)
    SELECT n, NULLIF(1, n), 1, 'SDE I', '[2020-01-01,)' FROM generate_series(1, 3) n});
is(works('installer', 'company', 'SELECT count(*) FROM perf.employee', 'the owner may ask'), '0', 'and sees nobody in a table');
works('installer', 'company', q{SELECT perf.appoint(2, 'hr', 'first'), perf.appoint(3, 'hr', 'second')}, 'the owner makes the first appointments');
works('installer', 'company', q{SELECT perf.create_cycle('c', '2021-01-01', '2021-12-31'); SELECT perf.open_cycle(1)}, 'the owner opens a cycle');

# Without rights -------------------------------------------------------------

sub without_rights
{
    my ($user, $database, $name) = @_;
    my ($status, $out, $err) = as_user($user, $database, "\\set VERBOSITY verbose\nCALL perfmgmt.install()");
    isnt($status, 0, "$name: refused");
    like($err, qr/ERROR:  PM007: install\(\) lacks rights/, "$name: with PM007");
    my ($hint) = $err =~ /HINT:\s+Ask an administrator to run:\n(.*?)\n(?:CONTEXT|LOCATION)/s;
    ok($hint, "$name: the hint has statements") or diag($err);
    note($hint);
    return $hint;
}

$node->safe_psql('postgres', 'CREATE ROLE plain LOGIN; CREATE DATABASE second');
$node->safe_psql('second', 'CREATE EXTENSION perfmgmt');
my $statements = without_rights('plain', 'second', 'a user without rights');
like($statements, qr/GRANT CREATE ON DATABASE second TO plain;/, 'one statement is about the database');
unlike($statements, qr/SUPERUSER|BYPASSRLS|CREATEROLE/, 'none gives more than needed');
$node->safe_psql('second', $statements);
works('plain', 'second', 'CALL perfmgmt.install()', 'after these statements it works');
# before 16 an ADMIN option is a membership that reads everything: install() hands it back
if ($node->pg_version >= 16)
{
    works('plain', 'second', 'CALL perfmgmt.install()', 'and again');
}
else
{
    is($node->safe_psql('second', q{SELECT count(*) FROM pg_auth_members WHERE roleid IN ('perfmgmt_engine'::regrole, 'perfmgmt_ledger'::regrole)}),
        '0', 'nobody stays a member of the roles that own privileged routines');
    $node->safe_psql('second', without_rights('plain', 'second', 'so that it asks again'));
    works('plain', 'second', 'CALL perfmgmt.install()', 'and works again');
}
is($node->safe_psql('second', $members), '0', 'nobody is a member');
$statements = without_rights('installer', 'second', 'another user over these records');
like($statements, qr/SET ROLE plain; CALL perfmgmt\.install\(\);/, 'is told who installs them');
$node->safe_psql('second', 'GRANT perfmgmt_engine, perfmgmt_ledger TO plain WITH ADMIN OPTION') if $node->pg_version < 16;
$node->safe_psql('second', $statements =~ s/^(?!SET ROLE).*\n?//mgr);

# A server without our roles, and nobody who may create them.
my $bare = PostgreSQL::Test::Cluster->new('bare');
$bare->init;
$bare->start;
$bare->safe_psql('postgres', 'CREATE ROLE plain LOGIN; CREATE EXTENSION perfmgmt');
{
    my $first = $node;
    $node = $bare;
    $statements = without_rights('plain', 'postgres', 'on a server without our roles');
    $bare->safe_psql('postgres', $statements);
    works('plain', 'postgres', 'CALL perfmgmt.install()', 'after these statements it works');
    $node = $first;
}
is($bare->safe_psql('postgres', q{SELECT string_agg(format('%s %s %s', role_name, rolcanlogin, rolinherit), ', ' ORDER BY role_name)
                                  FROM perfmgmt.role_to_create() JOIN pg_roles ON rolname = role_name}),
    $node->safe_psql('company', q{SELECT string_agg(format('%s %s %s', role_name, rolcanlogin, rolinherit), ', ' ORDER BY role_name)
                                  FROM perfmgmt.role_to_create() JOIN pg_roles ON rolname = role_name}),
    'the roles are as install() makes them');
is($bare->safe_psql('postgres', q{SELECT count(*) FROM pg_auth_members WHERE member = 'perfmgmt_app'::regrole}), '4', 'perfmgmt_app can become four of them');
$bare->stop;

# Over newer records -----------------------------------------------------------

$node->safe_psql('company', 'UPDATE perf.schema_version SET version = version + 1');
my ($status, $out, $err) = as_user('installer', 'company', "\\set VERBOSITY verbose\nCALL perfmgmt.install()");
isnt($status, 0, 'over newer records: refused');
like($err, qr/PM007: the records are newer/, 'with PM007');
like($err, qr/HINT:.*ALTER EXTENSION perfmgmt UPDATE/, 'and what to do');
$node->safe_psql('company', 'UPDATE perf.schema_version SET version = version - 1');

# What users add ---------------------------------------------------------------

works('installer', 'company', q{
    ALTER TABLE perf.employee ADD COLUMN desk text DEFAULT 'none';
    CREATE INDEX employee_desk ON perf.employee (desk);
    CREATE POLICY desk ON perf.employee AS RESTRICTIVE FOR SELECT TO perfmgmt_leader USING (desk IS NOT NULL);
    CREATE TABLE perf.seat (seat_id int PRIMARY KEY, employee_id int REFERENCES perf.employee);
    CREATE VIEW olr.desk WITH (security_invoker = true) AS SELECT employee_id, desk FROM perf.employee;
    CALL perfmgmt.install()}, 'install() beside a column, an index, a policy, a table and a view of the user');
is($node->safe_psql('company', q{
    SELECT (SELECT count(*) FROM pg_attribute WHERE attrelid = 'perf.employee'::regclass AND attname = 'desk'),
           (SELECT count(*) FROM pg_index WHERE indexrelid = 'perf.employee_desk'::regclass),
           (SELECT count(*) FROM pg_policy WHERE polrelid = 'perf.employee'::regclass AND polname = 'desk'),
           to_regclass('perf.seat'), to_regclass('olr.desk'),
           (SELECT count(*) FROM perf.employee WHERE desk = 'none')}),
    '1|1|1|perf.seat|olr.desk|3', 'all of them are still there');

# DROP EXTENSION ---------------------------------------------------------------

my $tables = q{SELECT count(*) FROM pg_class WHERE relnamespace = 'perf'::regnamespace AND relkind = 'r'};
my $columns = q{SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                WHERE c.relnamespace = 'perf'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped};
my $count = $node->safe_psql('company', $tables) . ' ' . $node->safe_psql('company', $columns);
($status, $out, $err) = as_user('installer', 'company', 'DROP EXTENSION perfmgmt');
isnt($status, 0, 'DROP EXTENSION is refused');
like($err, qr/policy .* depends on function perfmgmt\.actor_id/, 'because policies need it');
works('installer', 'company', 'DROP EXTENSION perfmgmt CASCADE', 'with CASCADE it goes');
is($node->safe_psql('company', $tables) . ' ' . $node->safe_psql('company', $columns), $count, 'and takes no table and no column along');
is($node->safe_psql('company', 'SELECT count(*) FROM perf.employee'), '3', 'and no row');
is(works('installer', 'company', 'SELECT count(*) FROM perf.participation', 'the owner may ask'), '0', 'the tables stay closed');

$node->stop;
done_testing();
