# Sixteen writers on three chains, whose heads move to a new place with each entry:
# an index on the hash takes the update in place away. Each finds the last one,
# whoever wrote it meanwhile: no error, no gap.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('hot');
$node->init;
$node->append_conf('postgresql.conf', "max_connections = 40\nfsync = off\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION perfmgmt;
	CALL perfmgmt.install();
	CREATE TABLE perf.memo (memo_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, employee_id int);
	CALL perfmgmt.watch_table('perf.memo');
	INSERT INTO perf.memo (employee_id) VALUES (1), (2), (3);
	CREATE INDEX ON perf.audit_head (hash)});

my $script = PostgreSQL::Test::Utils::tempdir() . '/memo.sql';
append_to_file($script, "\\set e random(1, 3)\nINSERT INTO perf.memo (employee_id) VALUES (:e);\n");
$node->command_ok([ 'pgbench', '-n', '-M', 'prepared', '-c', '16', '-j', '2', '-t', '250', '-f', $script, $node->connstr('postgres') ],
	'4000 entries by 16 writers');
is($node->safe_psql('postgres', 'SELECT sum(sequence) FROM perf.audit_head WHERE subject IN (1, 2, 3)'), '4003', 'each is there');
is($node->safe_psql('postgres', 'SELECT status, problem FROM perf.verify_audit()'), 'unanchored|', 'in three whole chains');

$node->stop;
done_testing();
