# pg_upgrade: the ledger of the example company verifies against the digest from
# before, and goes on. From the same major version, or from an older one that
# PERFMGMT_OLD_PG_CONFIG=/usr/lib/postgresql/15/bin/pg_config names (.ci/upgrade
# has both).

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use IPC::Run;
use Test::More;

my $older = $ENV{PERFMGMT_OLD_PG_CONFIG};
my $old_config = $older // 'pg_config';
my $tmp = $PostgreSQL::Test::Utils::tmp_check;

sub ask_old { chomp(my $answer = `$old_config $_[0]`); return $answer }

# The extension for an older server, from a copy of the sources.
sub older_cluster
{
	my $stage = "$tmp/old_stage";
	mkdir "$tmp/old_source";
	foreach my $command (
		[ 'sh', '-c', "tar -c --exclude='*.o' --exclude='*.bc' --exclude='*.so' . | tar -x -C $tmp/old_source" ],
		[ 'make', '-s', '-C', "$tmp/old_source", "PG_CONFIG=$older", 'with_llvm=no' ],
		[ 'make', '-s', '-C', "$tmp/old_source", "PG_CONFIG=$older", 'with_llvm=no', 'install', "DESTDIR=$stage" ])
	{
		system_or_bail(@$command);
	}
	delete local $ENV{TEMP_CONFIG};
	my $node = PostgreSQL::Test::Cluster->new('old', install_path => ask_old('--bindir') =~ s{/bin$}{}r);
	$node->init;
	$node->append_conf('postgresql.conf', "extension_destdir = '$stage'\ndynamic_library_path = '$stage" . ask_old('--pkglibdir') . ":\$libdir'\njit = off");
	return $node;
}

sub cluster
{
	my $node = PostgreSQL::Test::Cluster->new(@_);
	$node->init;
	return $node;
}

my $old = $older ? older_cluster() : cluster('old');
my $new = cluster('new');
$_->append_conf('postgresql.conf', 'fsync = off') foreach $old, $new;

$old->start;
$old->safe_psql('postgres', 'CREATE DATABASE company');
run_command([ 'psql', '-X', '-q', '-d', $old->connstr('company'), '-f', 'examples/demo.sql' ]);
$old->safe_psql('company', q{
	SELECT perf.seal_audit();
	UPDATE perf.employee SET email = 'unsealed@example.com' WHERE external_id = 'E02015'});
my $digest = $old->safe_psql('company', 'SELECT perf.audit_digest()');
my $verify = "SELECT status, entries, unsealed, redacted, blocks, problem FROM perf.verify_audit('$digest')";
my $before = $old->safe_psql('company', $verify);
like($before, qr/^anchored_ok\|[1-9][0-9]{3,}\|[1-9]/, 'the older server has a review year in its ledger');
my $version = $old->safe_psql('company', 'SHOW server_version_num');
my $incarnation = $old->safe_psql('company', 'SELECT max(incarnation) FROM perf.audit_block');
$old->stop;

chdir $tmp;
my $said;
ok(IPC::Run::run([ 'pg_upgrade', '--no-sync', '-d', $old->data_dir, '-D', $new->data_dir,
			'-b', ask_old('--bindir'), '-B', $new->config_data('--bindir'),
			'-s', $new->host, '-p', $old->port, '-P', $new->port ], '>&', \$said), 'pg_upgrade')
  or diag($said);
$new->start;
cmp_ok($new->safe_psql('company', 'SHOW server_version_num'), $older ? '>' : '==', $version, 'to the version meant');
is($new->safe_psql('company', $verify), $before, 'the same ledger, as the digest from before says');
is($new->safe_psql('company', 'SELECT * FROM perf.reconcile_audit()'), '', 'the tables are as it says');
$new->safe_psql('company', 'CALL perfmgmt.install()');
is($new->safe_psql('company', $verify), $before, 'install() over it changes nothing');

my $entries = $new->safe_psql('company', 'SELECT count(*) FROM perf.audit_entry');
$new->safe_psql('company', q{UPDATE perf.employee SET email = 'upgraded@example.com' WHERE external_id IN ('E02015', 'E02016')});
is($new->safe_psql('company', 'SELECT count(*) FROM perf.audit_entry'), $entries + 2, 'changes are captured');
isnt($new->safe_psql('company', 'SELECT perf.seal_audit()'), '', 'and sealed');
is($new->safe_psql('company', 'SELECT incarnation FROM perf.audit_block ORDER BY block DESC LIMIT 1'), $incarnation + 1, 'in an incarnation of the new cluster');
is($new->safe_psql('company', "SELECT status, unsealed, problem FROM perf.verify_audit('$digest')"), 'anchored_ok|0|', 'which continues the old one');
is($new->safe_psql('company', 'SELECT * FROM perf.reconcile_audit()'), '', 'and reconciles');

done_testing();
