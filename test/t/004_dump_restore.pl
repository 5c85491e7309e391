# pg_dump | psql of the example company into an empty database: every table the
# same by checksum, policies, triggers and rights back, additions of the user
# kept; DROP EXTENSION refuses, and CASCADE drops no table.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# a digest of the rows of every table, whatever their order in the file
my $checksums = q{
	SELECT string_agg(format('%s %s', c.oid::regclass, d.digest), E'\n' ORDER BY c.oid::regclass::text)
	FROM pg_class c
	CROSS JOIN LATERAL (SELECT (xpath('/row/digest/text()', query_to_xml(format(
		'SELECT md5(coalesce(string_agg(md5(t::text), '''' ORDER BY md5(t::text)), '''')) || count(*) AS digest FROM %s t',
		c.oid::regclass), false, true, '')))[1]::text AS digest) d
	WHERE c.relkind = 'r' AND c.relnamespace = 'perf'::regnamespace};
my $rules = q{
	SELECT string_agg(line, E'\n' ORDER BY line) FROM (
		SELECT format('policy %s %s %s %s %s %s', p.tablename, p.policyname, p.permissive, p.roles, p.cmd, p.qual) AS line
		FROM pg_policies p WHERE p.schemaname IN ('perf', 'forte', 'olr')
		UNION ALL
		SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t
		JOIN pg_class c ON c.oid = t.tgrelid AND c.relnamespace = 'perf'::regnamespace WHERE NOT t.tgisinternal
		UNION ALL
		SELECT format('relation %s %s %s %s %s %s', c.oid::regclass, c.relrowsecurity, c.relforcerowsecurity, c.relacl, c.reloptions,
			pg_get_userbyid(c.relowner))
		FROM pg_class c WHERE c.relnamespace IN ('perf'::regnamespace, 'forte'::regnamespace, 'olr'::regnamespace) AND c.relkind IN ('r', 'v')
		UNION ALL
		SELECT format('routine %s %s %s %s %s', p.oid::regprocedure, p.prosecdef, p.proconfig, p.proacl, pg_get_userbyid(p.proowner))
		FROM pg_proc p WHERE p.pronamespace = 'perf'::regnamespace
		UNION ALL
		SELECT format('statistics %s.%s', a.attrelid::regclass, a.attname)
		FROM pg_attribute a WHERE a.attrelid::regclass::text LIKE 'perf.forte%' AND a.attstattarget = 0) l};

my $node = PostgreSQL::Test::Cluster->new('company');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE company');
my ($out, $err) = run_command(
	[ 'psql', '-X', '-q', '-d', $node->connstr('company'), '-f', 'examples/demo.sql' ]);
is($node->safe_psql('company', 'SELECT count(*) > 2000 FROM perf.forte_label'), 't', 'the review year ran')
  or diag $err;

# additions of the company itself
$node->safe_psql('company', q{
	ALTER TABLE perf.employee ADD cost_centre text DEFAULT 'K1';
	UPDATE perf.employee SET cost_centre = 'K2' WHERE employee_id % 2 = 0;
	CREATE INDEX employee_cost_centre ON perf.employee (cost_centre);
	CREATE POLICY auditor_reads ON perf.participation FOR SELECT TO perfmgmt_auditor USING (perfmgmt.has_appointment('auditor'));
});
my $before = $node->safe_psql('company', $checksums);
my $rules_before = $node->safe_psql('company', $rules);
cmp_ok(scalar(split(/\n/, $before)), '>', 30, 'the checksums cover the tables');

# into another database, and into another cluster that knows only the roles
my $dump = "$PostgreSQL::Test::Utils::tmp_check/company.sql";
my $roles = "$PostgreSQL::Test::Utils::tmp_check/roles.sql";
$node->command_ok([ 'pg_dump', '-d', $node->connstr('company'), '-f', $dump ], 'pg_dump');
$node->command_ok([ 'pg_dumpall', '--roles-only', '-d', $node->connstr('postgres'), '-f', $roles ], 'roles');
my $other = PostgreSQL::Test::Cluster->new('other');
$other->init;
$other->start;
run_command([ 'psql', '-X', '-q', '-d', $other->connstr('postgres'), '-f', $roles ]);

foreach my $target ($node, $other)
{
	my $where = $target->name;
	$target->safe_psql('postgres', 'CREATE DATABASE restored');
	$target->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $target->connstr('restored'), '-f', $dump ],
		"restore into cluster $where");
	is($target->safe_psql('restored', $checksums), $before, "every table equals by checksum ($where)");
	is($target->safe_psql('restored', $rules), $rules_before, "policies, triggers, owners and rights are back ($where)");
	is($target->safe_psql('restored', q{SELECT count(*) FROM pg_indexes WHERE indexname = 'employee_cost_centre'}),
		'1', "the added index is back ($where)");
}

# the restored company works on, and install() keeps what was added
$other->safe_psql('restored', 'CALL perfmgmt.install()');
is($other->safe_psql('restored', $checksums =~ s/'r'/'r' AND c.relname <> 'schema_version'/r),
	join("\n", grep { !/schema_version/ } split(/\n/, $before)), 'install() over it changes no row');
is($other->safe_psql('restored', q{SELECT count(*) FROM pg_policies WHERE policyname = 'auditor_reads'}),
	'1', 'nor an added policy');
is( $other->safe_psql('restored', q{
		BEGIN; SELECT perfmgmt.act_as(employee_id) FROM perf.employee WHERE external_id = 'E02015';
		SET LOCAL ROLE perfmgmt_employee; SELECT full_name FROM forte.my_review; COMMIT}),
	"\nAlice Kerrigan", 'an employee finds the own review');

# code goes, records stay
my ($code, $stdout, $stderr) = $node->psql('company', 'DROP EXTENSION perfmgmt');
isnt($code, 0, 'DROP EXTENSION refuses');
like($stderr, qr/other objects depend on it/, 'because policies depend on it');
$node->safe_psql('company', 'SET client_min_messages = error; DROP EXTENSION perfmgmt CASCADE');
is($node->safe_psql('company', $checksums), $before, 'with CASCADE no table and no row is lost');
is($node->safe_psql('company', q{SELECT count(*) FROM pg_class WHERE relnamespace = 'perf'::regnamespace AND relkind = 'r' AND NOT relrowsecurity AND relname = 'overall_value'}),
	'0', 'and the tables stay closed: row security without a policy shows nothing');

done_testing();
