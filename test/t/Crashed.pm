# Servers that were made to crash.
package Crashed;

use strict;
use warnings;

use Exporter 'import';
our @EXPORT = ('wait_until_ready');

# A psql that cannot connect leaves before it read its query, which IPC::Run may
# die of: pg_isready reads nothing.
sub wait_until_ready
{
	my ($node) = @_;
	for (1 .. 1800)
	{
		return if system('pg_isready', '-q', '-d', $node->connstr('postgres')) == 0;
		select(undef, undef, undef, 0.1);
	}
	die 'no recovery';
}

1;
