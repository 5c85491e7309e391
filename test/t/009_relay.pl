# examples/relay drains the outbox: at least once, in order, one at a time.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', q{
    CREATE EXTENSION perfmgmt;
    CALL perfmgmt.install();
    CREATE ROLE application LOGIN IN ROLE perfmgmt_app;
    CREATE ROLE relay LOGIN;
    GRANT USAGE ON SCHEMA perf TO relay;
    GRANT EXECUTE ON FUNCTION perf.take_events(int), perf.acknowledge_events(bigint[]) TO relay;
    DELETE FROM perf.outbox;
});

sub queue
{
    my ($count) = @_;
    $node->safe_psql('postgres', "SELECT perf.queue_event(n % 3, 'test.event', jsonb_build_object('n', n, 'text', E'a\\nb')) FROM generate_series(1, $count) n ORDER BY n");
}

sub waiting
{
    return $node->safe_psql('postgres', 'SELECT count(*) FROM perf.outbox');
}

my @relay = ('python3', 'examples/relay', '--batch', '7');
my @as = ('-d', $node->connstr('postgres') . ' user=relay');

queue(20);
my ($out, $err) = run_command([ @relay, '-d', $node->connstr('postgres') . ' user=application' ]);
is(scalar(my @lines = split(/\n/, $out)), 20, 'each event is a line') or diag $err;
is(join(' ', $out =~ /"n": (\d+)/g), join(' ', 1 .. 20), 'in order');
is(waiting(), '0', 'and gone');

queue(3);
($out, $err) = run_command([ @relay, '--command', 'cat > /dev/null; exit 3', @as ]);
like($err, qr/the command failed/, 'a command that fails');
is(waiting(), '3', 'loses nothing');
($out, $err) = run_command([ @relay, '--command', 'cat >&2', @as ]);
is(join(' ', $err =~ /"n": (\d+)/g), '1 2 3', 'they come again');
is(waiting(), '0', 'and are gone then');

# Who listens hears nothing from writers, and from a relay that was asked to that
# there was something, not what.
{
    my ($in, $out, $err) = ('', '', '');
    my $listener = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, '2>', \$err, IPC::Run::timer(60));
    $in .= "LISTEN perf_events;\n\\echo ready\n";
    $listener->pump until $out =~ /ready/;
    $node->safe_psql('postgres', q{
        INSERT INTO perf.employee (employee_id, external_id, full_name, hired_on) SELECT n, 'E' || n, 'Person ' || n, '2020-01-01' FROM generate_series(1, 5) n;
        UPDATE perf.employee SET email = 'x'; SELECT perf.seal_audit()});
    queue(5);
    is($node->safe_psql('postgres', q{SELECT pg_notification_queue_usage()}), '0', 'writers leave nothing in the queue of notifications');
    run_command([ @relay, '--notify', 'perf_events', @as ]);
    $in .= "SELECT 1;\n\\q\n";
    $listener->finish;
    is($err, '', 'a listener');
    is(() = $out =~ /Asynchronous notification/g, 1, 'hears the relay once, after it drained, and no writer');
    like($out, qr/^Asynchronous notification "perf_events" received from/m, 'without a payload');
    ($out) = run_command([ @relay, '--notify', 'perf_events', @as ]);
    is($out, '', 'there was nothing left');
}

# one at a time, and what a relay had when it was killed comes again
queue(3);
my ($in, $got, $bad) = ('', '', '');
my $first = IPC::Run::start([ @relay, '--follow', '0.1', '--notify', 'perf_events', @as ], '<', \$in, '>', \$got, '2>', \$bad, IPC::Run::timer(60));
$first->pump until $got =~ /"n": 3/;
($out, $err) = run_command([ @relay, @as ]);
like($err, qr/another session takes the events/, 'a second relay is refused');
queue(1);
$first->pump until $got =~ /"n": 3.*"n": 1\b/s;
$first->kill_kill;
$node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE usename = 'relay'});
queue(2);
($out, $err) = run_command([ @relay, @as ]);
like(join(' ', $out =~ /"n": (\d+)/g), qr/1 2$/, 'the next takes over') or diag $err;
is(waiting(), '0', 'and drains');

# who consumes and does not acknowledge
queue(2);
$node->safe_psql('postgres', 'SELECT * FROM perf.take_events()');
is(waiting(), '2', 'events that were only taken stay');

# by replication: what came in, acknowledged or not
$node->safe_psql('postgres', q{CREATE PUBLICATION events FOR TABLE perf.outbox WITH (publish = 'insert')});
is($node->safe_psql('postgres', q{SELECT pubinsert AND NOT pubdelete FROM pg_publication WHERE pubname = 'events'}), 't', 'the outbox can be published');

done_testing();
