# The extension installs on a fresh server, and install() can be run again.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;

$node->safe_psql('postgres', 'CREATE EXTENSION perfmgmt');
is( $node->safe_psql('postgres',
        "SELECT count(*) FROM pg_extension WHERE extname = 'perfmgmt'"),
    '1',
    'the extension is there');

for my $time ('first', 'second')
{
    my ($status, $out, $err) =
      $node->psql('postgres', 'CALL perfmgmt.install()');
    is($status, 0, "install() works the $time time") or diag($err);
}

$node->stop;
done_testing();
