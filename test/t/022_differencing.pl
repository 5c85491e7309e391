# Adding, subtracting and comparing all that is published about a person, over
# all releases, isolates no fewer than k authors and pins no score: in a thousand
# random companies, with PERFMGMT_LONG=1 in five thousand. Then rules of the
# release are broken on purpose, and that must show.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Isolation;

my $companies = $ENV{PERFMGMT_LONG} ? 5000 : 1000;

my $node = PostgreSQL::Test::Cluster->new('differencing');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nautovacuum = off\nmax_wal_size = 4GB");
$node->start;

# The checker first: it must know isolation when it sees it ---------------------

sub cell { my ($authors, %more) = @_; return { authors => $authors, n => '3 to 5', codes => {}, texts => {}, %more } }
is(scalar(() = Isolation::isolated(3, cell([ 1, 2, 3 ]), cell([ 4, 5, 6 ]))), 0, 'two sets of three isolate nobody');
ok(Isolation::isolated(3, cell([ 1, 2, 3 ]), cell([ 1, 2, 3, 4 ])), 'one rater more isolates the one');
ok(Isolation::isolated(3, cell([ 1 .. 6 ]), cell([ 1, 2, 3 ]), cell([ 4, 5 ])), 'a rest of two that is shown');
ok(Isolation::isolated(3, cell([ 1 .. 5 ]), cell([ 1, 2, 3 ])), 'a total shows a rest of two');
is(scalar(() = Isolation::isolated(3, cell([ 1 .. 6 ]), cell([ 1, 2, 3 ]))), 0, 'a total shows a rest of three');
ok(Isolation::isolated(3, cell([ 1 .. 4 ]), cell([ 3 .. 6 ]), cell([ 1, 2, 5, 6 ])), 'three pairs by three sums of four');
is(scalar(() = Isolation::isolated(3, cell([ 1 .. 4 ]), cell([ 3 .. 6 ]))), 0, 'an overlap alone gives no sum of the overlap');
is(scalar(() = Isolation::pinned(cell([ 1, 2, 3 ], codes => { 1 => 9 }))), 0, 'a mean of 4.5 leaves 4 and 5');
ok(Isolation::pinned(cell([ 1, 2, 3 ], codes => { 1 => 10 })), 'a mean of 5.0 does not');
is(scalar(() = Isolation::pinned(cell([ 1, 2, 3 ], codes => { 1 => -3 }))), 0, 'a band does');
ok(Isolation::pinned(cell([ 1, 2, 3 ], codes => { 1 => 3 }), cell([ 1 .. 6 ], codes => { 1 => 7 })), 'a low mean of three under a high mean of six');

# What is published ---------------------------------------------------------------

$node->safe_psql('postgres', 'CREATE DATABASE company');
my ($out, $err) = ('', '');
IPC::Run::run([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-v', "companies=$companies", '-d', $node->connstr('company'), '-f', 'test/t/differenced_companies.sql' ],
    '>', \$out, '2>', \$err) or BAIL_OUT($err);

# One line a cell, with who is behind it; then the lines of the texts.
my $published = q{
    SELECT 'cell', s.review_cycle_id, s.employee_id, s.relation, array_to_string(g.author_ids, ','), s.raters,
           array_to_string(s.principle_scores || s.question_scores[3:4], ',', '-')
    FROM perf.forte_score s JOIN perf.release_group g USING (employee_id, review_cycle_id, relation) WHERE g.is_anonymous;
    SELECT 'text', t.review_cycle_id, t.employee_id, t.relation, t.question, string_agg(t.item_text, ',' ORDER BY t.forte_text_id)
    FROM perf.forte_text t WHERE t.relation <> 'manager' GROUP BY 2, 3, 4, 5};

# Everything that was said, and the companies, read once.
my (%said, %k, %overlaps);
for (split /\n/, $node->safe_psql('company', 'SELECT review_cycle_id, employee_id, author_id, item, score FROM public.said'))
{
    my ($cycle, $person, $author, $item, $score) = split /\|/;
    $said{$cycle}{$person}{$author}{$item} = $score;
}
$k{ $_->[0] } = $_->[1] for map { [ split /\|/ ] } split /\n/, $node->safe_psql('company', 'SELECT c, k FROM public.company');
push @{ $overlaps{ $_->[0] } }, $_->[1] for map { [ split /\|/ ] } split /\n/, $node->safe_psql('company', q{
    SELECT n.review_cycle_id, o.review_cycle_id FROM perf.review_cycle n JOIN perf.review_cycle o ON o.policy_id = n.policy_id AND o.review_cycle_id < n.review_cycle_id
        AND daterange(o.period_start, o.period_end, '[]') && daterange(n.period_start, n.period_end, '[]')});

# Everything that an attacker finds in what is published: each release by itself
# and together with what earlier ones of overlapping periods say of the same authors.
sub findings
{
    my ($lines, $least) = @_;
    my (%cells, @findings, $cells, $systems, $groups, $sorted);
    for my $row (map { [ split /\|/, $_, -1 ] } split /\n/, $lines)
    {
        my ($what, $release, $person, $relation, @more) = @$row;
        if ($what eq 'cell')
        {
            my @codes = split /,/, $more[2];
            $cells{$person}{$release}{$relation} = { release => $release, relation => $relation, authors => [ split /,/, $more[0] ], n => $more[1],
                codes => { map { $_ + 1 => $codes[$_] } grep { $codes[$_] ne '-' } 0 .. $#codes }, texts => {} };
            $cells++;
        }
        elsif (my $cell = $cells{$person}{$release}{$relation})
        {
            my @texts = map { [ split /:/ ] } split /,/, $more[1];
            my @authors = map { $_->[1] } @texts;
            push @findings, "person $person reads a text about another" if grep { $_->[0] != $person } @texts;
            $cell->{texts}{ $more[0] } = @texts;
            # three texts lie in the order of their authors by chance in a sixth of the cases
            next if @texts < 3;
            $groups++;
            $sorted++ if "@authors" eq join ' ', sort { $a <=> $b } @authors;
        }
    }
    push @findings, "texts lie in the order of their authors: $sorted of $groups" if $groups && 3 * ($sorted // 0) > $groups;
    for my $person (sort { $a <=> $b } keys %cells)
    {
        my $k = $least // $k{ int($person / 100) };
        for my $release (sort { $a <=> $b } keys %{ $cells{$person} })
        {
            my @own = values %{ $cells{$person}{$release} };
            my %behind = map { map { $_ => 1 } @{ $_->{authors} } } @own;
            my @earlier = map { values %{ $cells{$person}{$_} // {} } } @{ $overlaps{ int($release) } // [] }, $release != int($release) ? int($release) : ();
            my @system = (@own, grep { grep { $behind{$_} } @{ $_->{authors} } } @earlier);
            $systems++;
            my @found = (Isolation::isolated($k, @system), Isolation::pinned(@system), map { Isolation::untrue($k, $_, $said{ int($release) }{$person}) } @own);
            push @findings, map { "person $person, release $release: $_" } @found;
        }
    }
    note(time - $^T . " s: " . ($cells // 0) . " cells of " . scalar(keys %cells) . " people, " . ($systems // 0) . " systems, " . ($groups // 0) . " groups of texts, " . ($sorted // 0) . " in order");
    return @findings;
}

sub shown { my (@findings) = @_; return join "\n", @findings[ 0 .. (@findings > 15 ? 14 : $#findings) ] }

my $released = $node->safe_psql('company', "CALL public.release($companies); $published");
my @findings = findings($released);
is(scalar(@findings), 0, "nothing isolates fewer than k authors or pins a score in $companies companies") or diag(shown(@findings));
my @much = map { my $query = $_; $node->safe_psql('company', "SELECT count(DISTINCT employee_id / 100) FROM perf.forte_score WHERE $query") } "relation NOT IN ('manager', 'self')", 'review_cycle_id % 10 > 1', "relation = 'colleagues'";
cmp_ok($much[0], '>', $companies / 2, "and much is published: of $much[0] companies");
cmp_ok($much[1], '>', $companies / 4, "also of later cycles: of $much[1]");
cmp_ok($much[2], '>', $companies / 10, "and of joined relations: of $much[2]");
cmp_ok($node->safe_psql('company', q{SELECT count(*) FROM perf.review_cycle r JOIN public.company c ON r.policy_id = 1000 + c WHERE plan NOT IN ('one', 'apart') AND r.review_cycle_id % 10 > 1
    AND EXISTS (SELECT FROM perf.forte_score s WHERE s.review_cycle_id = r.review_cycle_id AND s.relation NOT IN ('manager', 'self'))}), '>', $companies / 10, 'of overlapping ones, too');

# R2: what came after a release changes nothing; R10: nor does the end of the links.
my ($status) = $node->psql('company', 'SELECT perf.write_release_scores(review_cycle_id) FROM perf.forte_score LIMIT 1');
isnt($status, 0, 'a cycle is not written twice');
is($node->safe_psql('company', q{BEGIN; SET LOCAL session_replication_role = replica;
        CREATE TEMP TABLE were AS SELECT s::text FROM perf.forte_score s UNION ALL SELECT t::text FROM perf.forte_text t;
        DELETE FROM perf.release_group; DELETE FROM perf.feedback_item; DELETE FROM perf.feedback; DELETE FROM perf.principle_rating;
        SELECT count(*) FROM were FULL JOIN (SELECT s::text FROM perf.forte_score s UNION ALL SELECT t::text FROM perf.forte_text t) n USING (s) WHERE were.s IS NULL OR n.s IS NULL; ROLLBACK}),
    '0', 'the release stays when the authors are gone');

# Broken rules ---------------------------------------------------------------------
# Of a part of the companies, in a transaction that is taken back.

my $some = 60;
sub broken
{
    my ($statement, $after) = @_;
    return $node->safe_psql('company', "BEGIN; SET LOCAL client_min_messages = warning; TRUNCATE perf.forte_score, perf.forte_text, perf.release_group;
        $statement; CALL public.release($some); $published; " . ($after // '') . '; ROLLBACK');
}

# release_cells() with something else behind it
sub instead
{
    my ($query) = @_;
    return qq{ALTER FUNCTION perf.release_cells(int) RENAME TO right_cells;
        CREATE FUNCTION perf.release_cells(cycle_id int)
        RETURNS TABLE (employee_id int, relation text, is_anonymous boolean, author_ids int[], scores smallint[], texts int, is_comparable boolean)
        LANGUAGE sql STABLE AS \$\$ $query \$\$};
}
my $right = 'SELECT c.employee_id, c.relation, c.is_anonymous, c.author_ids, c.scores, c.texts, c.is_comparable FROM perf.right_cells(cycle_id) c';
my $sets = sub {
    my ($relation, $condition) = @_;
    return qq{SELECT a.employee_id, $relation, true, array_agg(a.author_id), array_fill(NULL::smallint, ARRAY[40]), 0, true
        FROM public.author a WHERE a.review_cycle_id = cycle_id AND a.relation <> 'manager' GROUP BY 1, 2 $condition};
};
my $exactly = q{(SELECT round(2 * avg(d.score))::smallint FROM public.said d WHERE d.review_cycle_id = cycle_id AND d.employee_id = c.employee_id AND d.author_id = ANY (c.author_ids) AND d.item = i)};
my @broken = (
    [ 'R1: a relation below k is shown', qr/fewer than/, instead("$right UNION ALL " . $sets->('a.relation', 'HAVING count(*) < 3')) ],
    [ 'R3: overlapping releases are not compared', qr/combination/, instead($right =~ s/c\.is_comparable/true/r) ],
    [ 'R4: a total beside its parts', qr/combination/, instead("$right UNION ALL " . $sets->("'everybody'::text", 'HAVING count(*) >= 3')) ],
    [ 'R5: a unanimous group shows its mean', qr/all gave|shows code/, instead($right =~ s/c\.scores/ARRAY(SELECT CASE WHEN c.scores[i] < 0 AND i <= 3 THEN $exactly ELSE c.scores[i] END FROM generate_series(1, 40) i)::smallint[]/r) ],
    [ 'R5: the exact number', qr/" for "/, redefine('perf.write_release_scores(int)', q{format('%s to %s', f.minimum_raters, 2 * f.minimum_raters - 1)}, 'cardinality(s.author_ids)::text') ],
    [ 'R6: means to a hundredth', qr/shows code/, instead($right =~ s/c\.scores/ARRAY(SELECT CASE WHEN i <= 3 THEN (50 * $exactly)::smallint ELSE c.scores[i] END FROM generate_series(1, 40) i)::smallint[]/r) ],
    [ 'R7: texts in the order of their authors', qr/order of their authors/,
        redefine('perf.write_release_texts(int)', 'gen_random_uuid()', q{(lpad(split_part(i.item_text, ':', 2), 8, '0') || substr(md5(i.question), 9))::uuid}) ]);

sub redefine
{
    my ($function, $before, $after) = @_;
    my $source = $node->safe_psql('company', "SELECT pg_get_functiondef('$function'::regprocedure)");
    $source =~ s/\Q$before\E/$after/ or die "$function has changed: \"$before\" is not there";
    return $source;
}

for my $broken (@broken)
{
    my ($name, $pattern, $statement) = @$broken;
    my @found = grep { /$pattern/ } findings(broken($statement));
    cmp_ok(scalar(@found), '>', 0, "noticed: $name");
}

# R2: a release is written anew after one more or less wrote, and both are seen; R9: k is lowered in an open window
my $anew = broken('', qq{TRUNCATE perf.forte_score, perf.forte_text, perf.release_group; SET LOCAL session_replication_role = replica;
    DELETE FROM perf.principle_rating WHERE rater_id % 100 = 3; DELETE FROM perf.feedback_item WHERE item_text LIKE '%03';
    DELETE FROM perf.feedback_item WHERE feedback_id IN (SELECT feedback_id FROM perf.feedback WHERE author_id % 100 = 3); DELETE FROM perf.feedback WHERE author_id % 100 = 3;
    CALL public.release($some); } . $published =~ s/s\.review_cycle_id/s.review_cycle_id || '.1'/r =~ s/t\.review_cycle_id/t.review_cycle_id || '.1'/r);
cmp_ok(scalar(grep { /release \d+\.1: .*combination/ } findings($anew)), '>', 0, 'noticed: R2: a release is written anew');
($status) = $node->psql('company', "UPDATE perf.anonymity_rule SET minimum_raters = 4 WHERE policy_id = 1001; UPDATE perf.review_cycle SET status = 'forte_open', opened_at = now() WHERE policy_id = 1001;
    UPDATE perf.anonymity_rule SET minimum_raters = 3 WHERE policy_id = 1001", on_error_stop => 1);
isnt($status, 0, 'k is not lowered while a window is open');
my $lowered = broken('ALTER TABLE perf.anonymity_rule DISABLE TRIGGER USER; UPDATE perf.anonymity_rule SET minimum_raters = 3');
cmp_ok(scalar(grep { /fewer than 4/ } findings($lowered, 4)), '>', 0, 'noticed: R9: k is lowered after people wrote');

$node->stop;
done_testing();
