# A logical subscriber as doc/audit.md describes it: the triggers off, the tables
# and the ledger replicated, the first copy included. It verifies as the publisher
# does. And the outbox, of which only inserts are published.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

sub start_node
{
	my ($name) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(allows_streaming => 'logical');
	$node->append_conf('postgresql.conf', q{
fsync = off
max_sync_workers_per_subscription = 4
wal_retrieve_retry_interval = 100ms
max_logical_replication_workers = 8
max_worker_processes = 16
});
	$node->start;
	return $node;
}

my $publisher = start_node('publisher');
my $subscriber = start_node('subscriber');
$publisher->safe_psql('postgres', 'CREATE EXTENSION perfmgmt; CALL perfmgmt.install()');

sub write_as_an_application
{
	my ($mark) = @_;
	$publisher->safe_psql('postgres', qq{
		INSERT INTO perf.absence (employee_id, valid_during) SELECT n, '[2024-01-01,2024-02-01)' FROM generate_series(1, 20) n;
		UPDATE perf.employee SET email = '$mark' WHERE employee_id % 3 = 0;
		DELETE FROM perf.absence WHERE employee_id % 5 = 0;
		BEGIN;
		UPDATE perf.employee SET email = 'x';
		ROLLBACK;
		SELECT perf.queue_event(n, 'test.$mark') FROM generate_series(1, 3) n;
		SELECT perf.seal_audit();
		UPDATE perf.employee SET full_name = full_name || '.' WHERE employee_id = 1});
	return;
}
$publisher->safe_psql('postgres', q{
	INSERT INTO perf.employee (employee_id, external_id, full_name, hired_on)
	SELECT n, 'E' || n, 'Person ' || n, '2020-01-01' FROM generate_series(1, 20) n});
write_as_an_application('before');

# The subscriber: the definitions of the publisher, no rows, the triggers off
my $schema = "$PostgreSQL::Test::Utils::tmp_check/schema.sql";
my $roles = "$PostgreSQL::Test::Utils::tmp_check/roles.sql";
$publisher->command_ok([ 'pg_dump', '--schema-only', '--no-publications', '-d', $publisher->connstr('postgres'), '-f', $schema ], 'the definitions');
$publisher->command_ok([ 'pg_dumpall', '--roles-only', '-d', $publisher->connstr('postgres'), '-f', $roles ], 'and the roles');
run_command([ 'psql', '-X', '-q', '-d', $subscriber->connstr('postgres'), '-f', $roles ]);
$subscriber->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $subscriber->connstr('postgres'), '-f', $schema ], 'on the subscriber');

# psql's \gexec, as the page has it
sub gexec
{
	my ($node, $query) = @_;
	$node->safe_psql('postgres', "$query\n\\gexec");
	return;
}
my $switch = sub { return qq{
	SELECT format('ALTER TABLE %s $_[0] TRIGGER %I', t.tgrelid::regclass, t.tgname)
	FROM pg_trigger t WHERE t.tgname IN ('audit_insert', 'audit_update', 'audit_delete')} };
gexec($publisher, q{
	SELECT format('CREATE PUBLICATION company FOR TABLE %s', string_agg(c.oid::regclass::text, ', '))
	FROM pg_class c
	WHERE c.relnamespace = 'perf'::regnamespace AND c.relkind = 'r'
	  AND (c.relname LIKE 'audit\_%' OR c.relname NOT IN (SELECT u.table_name FROM perfmgmt.unaudited_table() u))});
$publisher->safe_psql('postgres', q{CREATE PUBLICATION events FOR TABLE perf.outbox WITH (publish = 'insert')});
gexec($subscriber, $switch->('DISABLE'));
my $connection = $publisher->connstr . ' dbname=postgres';
# from 16 on rows are written as the owner of their table, unless said otherwise
my $as_owner = $subscriber->safe_psql('postgres', 'SHOW server_version_num') >= 160000 ? 'WITH (run_as_owner = true)' : '';
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION company CONNECTION '$connection' PUBLICATION company $as_owner");
$subscriber->wait_for_subscription_sync($publisher, 'company');

sub same_answer
{
	my ($what) = @_;
	$publisher->wait_for_catchup('company');
	my $digest = $publisher->safe_psql('postgres', 'SELECT perf.audit_digest()');
	my $verify = "SELECT status, entries, unsealed, redacted, blocks, anchored_blocks, problem FROM perf.verify_audit('$digest')";
	my $answer = $publisher->safe_psql('postgres', $verify);
	like($answer, qr/^anchored_ok\|\d+\|1\|0\|/, "$what: the publisher is anchored");
	is($subscriber->safe_psql('postgres', $verify), $answer, "$what: the subscriber gives the same answer to the same digest");
	is($subscriber->safe_psql('postgres', 'SELECT perf.audit_digest()'), $digest, "$what: and has the same digest");
	is($subscriber->safe_psql('postgres', 'SELECT * FROM perf.reconcile_audit()'), '', "$what: its tables are as the ledger says");
	return;
}
same_answer('the first copy');
write_as_an_application('after');
same_answer('changes that follow');

# The outbox, to an application's own database: rows go here when they are taken,
# and stay there.
$subscriber->safe_psql('postgres', 'CREATE DATABASE hr');
$subscriber->safe_psql('hr', q{
	CREATE SCHEMA perf;
	CREATE TABLE perf.outbox (employee_id int, outbox_id bigint, event text, detail jsonb, queued_at timestamptz, PRIMARY KEY (employee_id, outbox_id))});
$subscriber->safe_psql('hr', "CREATE SUBSCRIPTION events CONNECTION '$connection' PUBLICATION events");
$subscriber->wait_for_subscription_sync($publisher, 'events', 'hr');
my $events = q{SELECT string_agg(employee_id || ' ' || event, ', ' ORDER BY employee_id, outbox_id) FROM perf.outbox WHERE employee_id = 2};
is($subscriber->safe_psql('hr', $events), '2 test.before, 2 test.after', 'the outbox: the first copy');
$publisher->safe_psql('postgres', q{DELETE FROM perf.outbox; SELECT perf.queue_event(2, 'test.later')});
$publisher->wait_for_catchup('events');
is($subscriber->safe_psql('hr', $events), '2 test.before, 2 test.after, 2 test.later', 'events arrive, and stay when they are taken from the publisher');

# The subscriber takes over
$publisher->wait_for_catchup('company');
my $digest = $publisher->safe_psql('postgres', 'SELECT perf.audit_digest()');
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION company');
$subscriber->safe_psql('postgres', 'CALL perfmgmt.install()');
is($subscriber->safe_psql('postgres', q{SELECT DISTINCT tgenabled FROM pg_trigger WHERE tgname IN ('audit_insert', 'audit_update', 'audit_delete')}), 'A', 'install() switches the triggers on again');
$subscriber->safe_psql('postgres', q{UPDATE perf.employee SET email = 'here now' WHERE employee_id < 4; SELECT perf.seal_audit()});
is($subscriber->safe_psql('postgres', 'SELECT incarnation FROM perf.audit_block ORDER BY block DESC LIMIT 1'), '2', 'its next block says that the ledger goes on elsewhere');
is($subscriber->safe_psql('postgres', "SELECT status, unsealed FROM perf.verify_audit('$digest')"), 'anchored_ok|0', 'and continues what the digest stands for');
is($subscriber->safe_psql('postgres', 'SELECT * FROM perf.reconcile_audit()'), '', 'nothing was captured twice or not at all');

done_testing();
