# Does what was published about a person isolate fewer than k authors, or one
# score? Knows nothing of how the release chooses; integers only.
#
# A cell is { release, relation, authors => [...], n => text, codes => { item => code },
# texts => { question => count } }; releases of overlapping periods are one system.
#
# A system isolates authors when a combination of its cells (sums over their
# author sets, with any coefficients, as if the means were exact) depends on the
# answers of fewer than k authors, and of at least one.
#
# A score is pinned when the published codes, read with the exact number of
# authors, leave one value for it.
package Isolation;

use strict;
use warnings;

# Authors who are in the same cells; their number by the cells, as a bit set.
sub classes
{
    my (@cells) = @_;
    my %mask;
    for my $number (0 .. $#cells)
    {
        $mask{$_} |= 1 << $number for @{ $cells[$number]{authors} };
    }
    my %size;
    $size{$_}++ for values %mask;
    return %size;
}

# The rank of a matrix of integers, by elimination without fractions.
sub rank
{
    my @rows = map { [@$_] } @_;
    my $rank = 0;
    for my $column (0 .. $#{ $rows[0] // [] })
    {
        my ($pivot) = grep { $rows[$_][$column] } $rank .. $#rows;
        next unless defined $pivot;
        @rows[ $rank, $pivot ] = @rows[ $pivot, $rank ];
        for my $row ($rank + 1 .. $#rows)
        {
            my ($p, $q) = ($rows[$rank][$column], $rows[$row][$column]);
            $rows[$row] = [ map { $p * $rows[$row][$_] - $q * $rows[$rank][$_] } 0 .. $#{ $rows[$row] } ] if $q;
        }
        $rank++;
    }
    return $rank;
}

# The smallest number of authors, above none, on which a combination depends.
sub isolated
{
    my ($k, @cells) = @_;
    return () unless @cells;
    my %size = classes(@cells);
    my @classes = sort { $a <=> $b } keys %size;
    my @small = grep { $size{$_} < $k } @classes;
    my @matrix = map { my $cell = $_; [ map { $_ >> $cell & 1 } @classes ] } 0 .. $#cells;
    my $full = rank(@matrix);
    # every union of classes with fewer than k authors: small classes alone can be in it
    for my $chosen (1 .. (1 << @small) - 1)
    {
        my %in = map { $small[$_] => 1 } grep { $chosen >> $_ & 1 } 0 .. $#small;
        my $authors = 0;
        $authors += $size{$_} for keys %in;
        next if $authors >= $k;
        my @outside = grep { !$in{ $classes[$_] } } 0 .. $#classes;
        my $rest = rank(map { my $row = $_; [ map { $row->[$_] } @outside ] } @matrix);
        # rank falls: a combination is nothing outside and something inside
        return "a combination depends on $authors of fewer than $k authors" if $rest < $full;
    }
    return ();
}

# The sums of n scores that are published as a code.
sub sums
{
    my ($code, $n) = @_;
    my @sums = grep {
        # half levels, rounded half up: floor(2 * sum / n + 1/2)
        my $half = int((4 * $_ + $n) / (2 * $n));
        $code > 0 ? $half == $code
          : $half % 2 == 0 && ($code == -1 ? $half <= 4 : $code == -2 ? $half == 6 : $half >= 8)
    } $n .. 5 * $n;
    return ($sums[0], $sums[-1]);
}

# Bounds of each class's sum, narrowed until nothing changes.
sub pinned
{
    my (@cells) = @_;
    my @found;
    my %items = map { map { $_ => 1 } keys %{ $_->{codes} } } @cells;
    for my $item (sort { $a <=> $b } keys %items)
    {
        my @with = grep { defined $_->{codes}{$item} } @cells;
        my %size = classes(@with);
        my %low = %size;
        my %high = map { $_ => 5 * $size{$_} } keys %size;
        my @sums = map { [ sums($_->{codes}{$item}, scalar @{ $_->{authors} }) ] } @with;
        next if grep { !defined $_->[0] } @sums;
        for (my $again = 1; $again;)
        {
            $again = 0;
            for my $cell (0 .. $#with)
            {
                my @in = grep { $_ >> $cell & 1 } keys %size;
                my ($lows, $highs) = (0, 0);
                $lows += $low{$_}, $highs += $high{$_} for @in;
                for my $class (@in)
                {
                    my $low = $sums[$cell][0] - ($highs - $high{$class});
                    my $high = $sums[$cell][1] - ($lows - $low{$class});
                    if ($low > $low{$class}) { $lows += $low - $low{$class}; $low{$class} = $low; $again = 1 }
                    if ($high < $high{$class}) { $highs += $high - $high{$class}; $high{$class} = $high; $again = 1 }
                }
            }
            last if grep { $low{$_} > $high{$_} } keys %size;    # they changed their minds in between
        }
        for my $class (keys %size)
        {
            next if $low{$class} > $high{$class};
            push @found, "item $item: $size{$class} authors all gave " . ($low{$class} > $size{$class} ? 5 : 1)
              if $high{$class} == $size{$class} || $low{$class} == 5 * $size{$class};
        }
    }
    return @found;
}

# Is a cell what its authors said, of k at least, and no finer than promised?
# $said->{author}{item} is a score.
sub untrue
{
    my ($k, $cell, $said) = @_;
    my @found;
    my @authors = @{ $cell->{authors} };
    my $n = @authors;
    push @found, "$n authors, fewer than $k" if $n < $k;
    my $band = $n < 2 * $k ? "$k to " . (2 * $k - 1) : 2 * $k . ' or more';
    push @found, "\"$cell->{n}\" for \"$band\"" if $cell->{n} ne $band;
    for my $item (sort { $a <=> $b } keys %{ $cell->{codes} })
    {
        my $code = $cell->{codes}{$item};
        my $sum = 0;
        push @found, "item $item is not of the whole set" if grep { !defined $said->{$_}{$item} } @authors;
        $sum += $said->{$_}{$item} // 0 for @authors;
        my ($least, $most) = $code =~ /^(-[123]|[3579])$/ ? sums($code, $n) : ();
        push @found, "item $item shows code $code for a sum of $sum from $n" if !defined $least || $sum < $least || $sum > $most;
    }
    for my $question (keys %{ $cell->{texts} })
    {
        push @found, "$cell->{texts}{$question} texts to $question from $n authors" if $cell->{texts}{$question} != $n;
    }
    return @found;
}

1;
