# Adding, subtracting and comparing all that is published about a person, over
# all releases, isolates no fewer than k authors and pins no score. A thousand
# people with random sets of authors, each a small company of its own; with
# PERFMGMT_LONG=1 twenty thousand. Then rules of the release are broken on purpose.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Isolation;

my $people = $ENV{PERFMGMT_LONG} ? 20000 : 1000;
my ($principles, $crowd) = (16, 40);

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

# People and answers ------------------------------------------------------------

$node->safe_psql('postgres', 'CREATE DATABASE company');
$node->safe_psql('company', qq{
    SET client_min_messages = warning;
    CREATE EXTENSION perfmgmt;
    CALL perfmgmt.install();
    SET search_path = perf, perfmgmt, public;
    SET session_replication_role = replica;
    SELECT setseed(0.22);
    INSERT INTO employee (employee_id, external_id, full_name, hired_on)
    SELECT n, 'E' || n, 'Person ' || n, '2020-01-01' FROM generate_series(1, $crowd + $people) n;
    -- B overlaps A; C comes after both
    INSERT INTO review_cycle (review_cycle_id, cycle_name, policy_id, status, period_start, period_end, too_new_after, forte_opens_on, forte_closes_on)
    SELECT i, c, 1, 'calibration', f::date, f::date + 364, f::date + 300, f::date + 365, f::date + 366
    FROM (VALUES (1, 'A', '2022-01-01'), (2, 'B', '2022-07-01'), (3, 'C', '2024-01-01')) v(i, c, f);

    -- who writes: sets around k; in B and C most of them again, with one more or
    -- less. A mood makes scores alike, so that extremes happen.
    CREATE TABLE public.shape AS
    SELECT $crowd + s AS employee_id, 1 + floor(random() * 9)::int AS authors, floor(random() * 6)::int AS mood, random() < 0.5 AS keeps_mind
    FROM generate_series(1, $people) s;
    CREATE TABLE public.author AS
    SELECT c AS review_cycle_id, s.employee_id, a.author_id,
           (ARRAY['peer', 'peer', 'peer', 'stakeholder', 'direct_report'])[1 + (a.author_id * 7 + s.employee_id) % (1 + s.employee_id % 5)] AS relation
    FROM public.shape s CROSS JOIN generate_series(1, 3) c
    CROSS JOIN LATERAL (SELECT 1 + (s.employee_id * 13 + n * 3) % $crowd AS author_id, n FROM generate_series(1, s.authors + (c + s.employee_id) % 3) n) a
    WHERE a.n > s.employee_id % 3 - CASE WHEN c = 1 THEN 1 ELSE 0 END;
    CREATE TABLE public.said AS
    SELECT a.*, i AS item, least(5, greatest(1, CASE WHEN s.mood BETWEEN 1 AND 5 THEN s.mood + floor(random() * 3)::int - 1 ELSE 1 + floor(random() * 5)::int END)) AS score
    FROM public.author a JOIN public.shape s USING (employee_id) CROSS JOIN generate_series(1, 3) i WHERE random() < 0.9;
    UPDATE public.said b SET score = a.score FROM public.said a JOIN public.shape s USING (employee_id)
    WHERE s.keeps_mind AND a.review_cycle_id = 1 AND b.review_cycle_id = 2 AND (b.employee_id, b.author_id, b.item) = (a.employee_id, a.author_id, a.item);
    INSERT INTO principle_rating (employee_id, review_cycle_id, rater_id, relation, scores, level_rank, manager_chain)
    SELECT a.employee_id, a.review_cycle_id, a.author_id, a.relation,
           ARRAY(SELECT d.score::smallint FROM generate_series(1, $principles) i LEFT JOIN public.said d
                 ON d.item = i AND (d.review_cycle_id, d.employee_id, d.author_id) = (a.review_cycle_id, a.employee_id, a.author_id) ORDER BY i), 1, '{}'
    FROM public.author a;
    INSERT INTO feedback (employee_id, feedback_id, review_cycle_id, author_id, relation, version, submitted_at, manager_chain)
    SELECT employee_id, row_number() OVER (ORDER BY review_cycle_id, employee_id, author_id), review_cycle_id, author_id, relation, 1, now(), '{}' FROM public.author;
    INSERT INTO feedback_item (employee_id, feedback_id, review_cycle_id, question, item_text, manager_chain)
    SELECT f.employee_id, f.feedback_id, f.review_cycle_id, q.question, format('%s', f.author_id), '{}'
    FROM feedback f CROSS JOIN feedback_question q WHERE q.question IN ('strengths', 'growth') AND random() < 0.85;
    ANALYZE;
});

# What was published and who is behind it, by person, as remembered after each release.
sub published
{
    my ($database) = @_;
    my %cells;
    for my $row (map { [ split /\|/, $_, -1 ] } split /\n/, $node->safe_psql($database, q{
        SELECT s.employee_id, s.release, s.period, s.relation, array_to_string(s.author_ids, ','), s.raters,
               array_to_string(s.principle_scores, ',', '-'), coalesce((SELECT string_agg(t.question || '=' || t.n, ',') FROM
               (SELECT question, count(*) AS n FROM public.remembered_text r WHERE (r.employee_id, r.release, r.relation) = (s.employee_id, s.release, s.relation) GROUP BY 1) t), '')
        FROM public.remembered s ORDER BY 1, 2, 4}))
    {
        my ($person, $release, $period, $relation, $authors, $n, $codes, $texts) = @$row;
        my @codes = split /,/, $codes;
        push @{ $cells{$person}{$period} }, { release => $release, relation => $relation, authors => [ split /,/, $authors ], n => $n,
            codes => { map { $_ + 1 => $codes[$_] } grep { $codes[$_] ne '-' } 0 .. $#codes }, texts => { map { split /=/ } split /,/, $texts } };
    }
    return %cells;
}

sub said
{
    my ($database) = @_;
    my %said;
    for (split /\n/, $node->safe_psql($database, 'SELECT review_cycle_id, employee_id, author_id, item, score FROM public.said'))
    {
        my ($cycle, $person, $author, $item, $score) = split /\|/;
        $said{$cycle}{$person}{$author}{$item} = $score;
    }
    return %said;
}

# Release a cycle as the writers of release_forte() do, and remember it.
my $memory = q{
    CREATE TABLE public.remembered (employee_id int, release int, period text, relation text, author_ids int[], raters text, principle_scores smallint[]);
    CREATE TABLE public.remembered_text (employee_id int, release int, relation text, question text, item_text text, place bigint);
};
sub release
{
    my ($database, $cycle) = @_;
    my $period = $cycle == 3 ? 'later' : 'overlapping';
    $node->safe_psql($database, qq{
        SELECT perf.write_release_scores($cycle); SELECT perf.write_release_texts($cycle);
        INSERT INTO public.remembered SELECT s.employee_id, $cycle, '$period', s.relation, g.author_ids, s.raters, s.principle_scores
        FROM perf.forte_score s JOIN perf.release_group g USING (employee_id, review_cycle_id, relation)
        WHERE s.review_cycle_id = $cycle AND g.is_anonymous;
        INSERT INTO public.remembered_text SELECT t.employee_id, $cycle, t.relation, t.question, t.item_text, row_number() OVER (ORDER BY t.forte_text_id)
        FROM perf.forte_text t WHERE t.review_cycle_id = $cycle});
}

# Everything that an attacker finds in what is remembered.
sub findings
{
    my ($database, $k) = @_;
    my %cells = published($database);
    my %said = said($database);
    my (@findings, $cells);
    for my $person (sort { $a <=> $b } keys %cells)
    {
        for my $period (sort keys %{ $cells{$person} })
        {
            my @system = @{ $cells{$person}{$period} };
            $cells += @system;
            my @found = (Isolation::isolated($k, @system), Isolation::pinned(@system),
                map { Isolation::untrue($k, $_, $said{ $_->{release} }{$person}) } @system);
            push @findings, map { "person $person, $period: $_" } @found;
        }
    }
    # random order: of the texts to one question, those in the order of their authors
    my ($groups, $sorted) = split /\|/, $node->safe_psql($database, q{
        SELECT count(*), count(*) FILTER (WHERE in_order) FROM (
            SELECT array_agg(item_text::int ORDER BY place) = array_agg(item_text::int ORDER BY item_text::int) AS in_order
            FROM public.remembered_text GROUP BY employee_id, release, relation, question HAVING count(*) >= 3) g});
    # three texts lie in order by chance in a sixth of the cases
    push @findings, "texts lie in the order of their authors: $sorted of $groups" if $groups && 3 * $sorted > $groups;
    note(($cells // 0) . " cells of " . scalar(keys %cells) . " people in $database, $groups groups of texts, $sorted in order");
    return @findings;
}

sub shown { my (@findings) = @_; return join "\n", @findings[ 0 .. (@findings > 15 ? 14 : $#findings) ] }

$node->safe_psql('postgres', 'CREATE DATABASE honest TEMPLATE company');
$node->safe_psql('honest', $memory);
release('honest', $_) for 1 .. 3;
my @findings = findings('honest', 3);
is(scalar(@findings), 0, 'nothing isolates fewer than k authors or pins a score') or diag(shown(@findings));
cmp_ok($node->safe_psql('honest', 'SELECT count(DISTINCT employee_id) FROM public.remembered'), '>', $people / 3, 'and much is published');
cmp_ok($node->safe_psql('honest', q{SELECT count(*) FROM public.remembered WHERE release = 2}), '>', $people / 20, 'also of overlapping cycles');
cmp_ok($node->safe_psql('honest', q{SELECT count(*) FROM public.remembered WHERE relation = 'colleagues'}), '>', 0, 'and of joined relations');

# R2: what came after a release changes nothing; R10: nor does the end of the links.
my ($status) = $node->psql('honest', 'SELECT perf.write_release_scores(1)');
isnt($status, 0, 'a cycle is not written twice');
$node->safe_psql('honest', 'SET session_replication_role = replica; DELETE FROM perf.release_group; DELETE FROM perf.feedback_item; DELETE FROM perf.feedback; DELETE FROM perf.principle_rating');
is($node->safe_psql('honest', 'SELECT (SELECT count(*) FROM perf.forte_score) = (SELECT count(*) FROM public.remembered), (SELECT count(*) FROM perf.forte_text) = (SELECT count(*) FROM public.remembered_text)'),
    't|t', 'the release stays when the authors are gone');

# Broken rules ---------------------------------------------------------------------

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
        FROM public.author a WHERE a.review_cycle_id = cycle_id GROUP BY 1, 2 $condition};
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
        redefine('perf.write_release_texts(int)', 'gen_random_uuid()', q{(lpad(i.item_text, 8, '0') || substr(md5(i.question), 9))::uuid}) ]);

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
    $node->safe_psql('postgres', 'CREATE DATABASE broken TEMPLATE company');
    # a part of the people is enough
    $node->safe_psql('broken', "$memory; DELETE FROM public.author WHERE employee_id > $crowd + 200; DELETE FROM public.said WHERE employee_id > $crowd + 200;
        SET session_replication_role = replica; DELETE FROM perf.principle_rating WHERE employee_id > $crowd + 200; DELETE FROM perf.feedback WHERE employee_id > $crowd + 200; DELETE FROM perf.feedback_item WHERE employee_id > $crowd + 200");
    $node->safe_psql('broken', $statement);
    release('broken', $_) for 1 .. 2;
    my @found = grep { /$pattern/ } findings('broken', 3);
    cmp_ok(scalar(@found), '>', 0, "noticed: $name");
    $node->safe_psql('postgres', 'DROP DATABASE broken');
}

# R2: a release that is written anew after one more wrote; R9: k lowered in an open window
$node->safe_psql('postgres', 'CREATE DATABASE again TEMPLATE company');
$node->safe_psql('again', $memory);
release('again', 1);
$node->safe_psql('again', q{
    DELETE FROM perf.forte_score; DELETE FROM perf.forte_text; DELETE FROM perf.release_group;
    SET session_replication_role = replica;
    DELETE FROM perf.principle_rating WHERE rater_id = 7; DELETE FROM perf.feedback_item WHERE feedback_id IN (SELECT feedback_id FROM perf.feedback WHERE author_id = 7); DELETE FROM perf.feedback WHERE author_id = 7});
release('again', 1);
cmp_ok(scalar(grep { /combination/ } findings('again', 3)), '>', 0, 'noticed: R2: a release is written anew');
$node->safe_psql('postgres', 'CREATE DATABASE lowered TEMPLATE company');
$node->safe_psql('lowered', "$memory; UPDATE perf.anonymity_rule SET minimum_raters = 4");
($status) = $node->psql('lowered', "UPDATE perf.review_cycle SET status = 'forte_open', opened_at = now(); UPDATE perf.anonymity_rule SET minimum_raters = 3", on_error_stop => 1);
isnt($status, 0, 'k is not lowered while a window is open');
$node->safe_psql('lowered', 'ALTER TABLE perf.anonymity_rule DISABLE TRIGGER USER; UPDATE perf.anonymity_rule SET minimum_raters = 3');
release('lowered', 1);
cmp_ok(scalar(grep { /fewer than 4/ } findings('lowered', 4)), '>', 0, 'noticed: R9: k is lowered after people wrote');

$node->stop;
done_testing();
