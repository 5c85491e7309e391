# What was erased is nowhere: a string planted in every text column about a
# person is in no table, no entry of the ledger and no dump afterwards.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;

# 2 leads 5 and 6; 3 and 4 are HR; 5 will leave
$node->safe_psql('postgres', q{
    CREATE EXTENSION perfmgmt;
    CALL perfmgmt.install();
    SET search_path = perf, perfmgmt, public;
    INSERT INTO team VALUES (1, 'company', NULL);
    INSERT INTO employee (employee_id, external_id, full_name, hired_on)
    SELECT n, 'E' || n, 'Person ' || n, '2020-01-01' FROM generate_series(1, 12) n;
    INSERT INTO assignment (employee_id, manager_id, team_id, level_code, valid_during)
    SELECT n, m, 1, 'SDE I', '[2020-01-01,)' FROM (VALUES (1, NULL), (2, 1), (3, 1), (4, 1), (5, 2), (6, 2), (7, 2), (8, 2), (9, 2), (10, 2), (11, 2), (12, 2)) a(n, m);
    SELECT appoint(3, 'hr', 'first'), appoint(4, 'hr', 'second');
    SELECT create_cycle('c', '2020-07-01', '2021-06-30');
    SELECT open_cycle(1);
    INSERT INTO principle_rating (employee_id, review_cycle_id, rater_id, relation, scores, level_rank, comment, manager_chain)
    SELECT p.employee_id, 1, r, 'peer', array_fill(3::smallint, ARRAY[16]), p.level_rank, 'a comment', p.manager_chain
    FROM participation p CROSS JOIN generate_series(5, 12) r WHERE p.employee_id >= 5 AND p.employee_id <> r;
    INSERT INTO assessment (employee_id, review_cycle_id, job_performance, potential, summary, source, assessed_by, manager_chain)
    SELECT p.employee_id, 1, 3, 2, 'a summary', 'manager', p.manager_id, p.manager_chain FROM participation p;
    INSERT INTO goal (employee_id, review_cycle_id, goal_text, weight, manager_chain)
    SELECT p.employee_id, 1, 'a goal', 1, p.manager_chain FROM participation p;
    INSERT INTO accomplishment (employee_id, claim, link, achieved_during, manager_chain)
    SELECT p.employee_id, 'a claim', 'a link', '[2021-01-01,2021-02-01)', p.manager_chain FROM participation p;
    SELECT advance_cycle(1), advance_cycle(1);
    SELECT calibrate(1);
    BEGIN; SELECT act_as(3); SELECT release_forte(1, 'done'); COMMIT;
    BEGIN; SELECT act_as(5); SELECT acknowledge_review(1, 'a comment'); SELECT dispute_rating(1, 'a dispute'); COMMIT;
    BEGIN; SELECT act_as(3); SELECT propose_decision('eligibility', 5, 1, '{}', 'a reason'); COMMIT;
    CREATE ROLE planted_login LOGIN;
    SELECT map_login('planted_login', 5);
    SELECT queue_event(5, 'test.planted', '{"a": "b"}');
    UPDATE assignment SET valid_during = '[2020-01-01,2022-01-01)' WHERE employee_id = 5;
    UPDATE employee SET left_on = '2022-01-01' WHERE employee_id = 5;
    INSERT INTO import_line (line) VALUES ('"E5",x'), ('"E55",x');
});

# The string goes into every text, array and json column that no rule holds back,
# of every row about the person; what refuses it is listed, so that a new column
# shows up here.
my $refused = $node->safe_psql('postgres', q{
    CREATE TABLE refused (name text);
    CREATE TABLE planted (name text);
    DO $$
    DECLARE
        c record;
        n int;
    BEGIN
        SET search_path = perf, perfmgmt, public;
        SET session_replication_role = replica; -- append-only tables, too; the ledger is captured all the same
        FOR c IN SELECT t.oid::regclass AS relation, t.relname, a.attname, a.atttypid FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid
                 WHERE t.relnamespace = 'perf'::regnamespace AND t.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
                   AND a.atttypid IN ('text'::regtype, 'jsonb'::regtype)
                   AND EXISTS (SELECT FROM pg_attribute k WHERE k.attrelid = t.oid AND k.attname = 'employee_id')
                   AND t.relname NOT IN ('erasure', 'legal_hold')
                   AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = t.oid AND f.contype IN ('f', 'p') AND a.attnum = ANY (f.conkey))
        LOOP
            BEGIN
                EXECUTE format('UPDATE %s SET %I = %s WHERE employee_id = 5', c.relation, c.attname,
                    CASE c.atttypid WHEN 'jsonb'::regtype THEN $j$'{"k": "pLaNtEd-string"}'$j$ ELSE $t$'pLaNtEd-string'$t$ END);
                GET DIAGNOSTICS n = ROW_COUNT;
                IF n > 0 THEN
                    INSERT INTO public.planted VALUES (format('%s.%s', c.relname, c.attname));
                END IF;
            EXCEPTION WHEN check_violation OR foreign_key_violation THEN
                INSERT INTO public.refused VALUES (format('%s.%s', c.relname, c.attname));
            END;
        END LOOP;
    END $$;
    SELECT string_agg(name, ' ' ORDER BY name) FROM refused});
like($refused, qr/rating_dispute\.outcome/, "codes refuse other words: $refused");
my $planted = $node->safe_psql('postgres', q{SELECT string_agg(name, ' ' ORDER BY name) FROM planted});
like($planted, qr/\b\Q$_\E\b/, "planted in $_")
  for qw(employee.full_name assessment.summary goal.goal_text accomplishment.claim principle_rating.comment forte_summary.summary
         review_acknowledgement.comment rating_dispute.dispute_text decision.reason outbox.detail);
# and in the reason of an entry
$node->safe_psql('postgres', q{BEGIN; SELECT perf.set_reason('pLaNtEd-string'); UPDATE perf.employee SET email = 'x', external_id = 'E5' WHERE employee_id = 5; COMMIT});

sub found_in_tables
{
    return $node->safe_psql('postgres', q{
        SELECT string_agg(t.name, ' ' ORDER BY t.name) FROM (
            SELECT c.oid::regclass::text AS name,
                   (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %s t WHERE t::text ~* ''planted-string''', c.oid::regclass), false, true, '')))[1]::text::int AS n
            FROM pg_class c WHERE c.relnamespace = 'perf'::regnamespace AND c.relkind IN ('r', 'v')) t WHERE t.n > 0});
}

# in the bytes on the disk, dead rows, indexes and statistics included; all files of
# the database and those that all share
sub found_in_files
{
    my %found;
    my $data = $node->data_dir;
    foreach my $file (glob("$data/base/*/[0-9]* $data/global/[0-9]*"))
    {
        next if slurp_file($file) !~ /planted-string/i;
        my ($number) = $file =~ m{/(\d+)[^/]*$};
        $found{ $node->safe_psql('postgres', "SELECT coalesce((SELECT relname FROM pg_class WHERE pg_relation_filenode(oid) = $number), '$file')") } = 1;
    }
    return join ' ', sort keys %found;
}

sub found_in_dump
{
    my ($dump) = run_command([ 'pg_dump', '-d', $node->connstr('postgres') ]);
    my @found = ($dump =~ /planted-string/gi);
    my $hex = unpack('H*', 'pLaNtEd-string');
    push @found, ($dump =~ /$hex/g);
    return scalar @found;
}

like(found_in_tables(), qr/perf\.audit_log/, 'it is in the ledger');
$node->safe_psql('postgres', 'CREATE INDEX planted_index ON perf.employee (full_name); CHECKPOINT');
like(found_in_files(), qr/\bplanted_index\b.*\baudit_entry\b|\baudit_entry\b.*\bplanted_index\b/, 'in files of tables and of indexes');
cmp_ok(found_in_dump(), '>', 20, 'and in a dump');

# Erased ----------------------------------------------------------------------------

my ($out, $err);
my $digest = $node->safe_psql('postgres', 'SELECT perf.seal_audit() \g /dev/null' . "\n" . 'SELECT perf.audit_digest()');
my $others = $node->safe_psql('postgres', q{SELECT md5(string_agg(r::text, ',' ORDER BY r.employee_id, r.rater_id)) FROM perf.principle_rating r WHERE r.employee_id <> 5});
my $id = $node->safe_psql('postgres', q{BEGIN; SELECT perfmgmt.act_as(3) \g /dev/null
    SELECT perf.erase_subject(5, 'asked for it'); COMMIT});
$node->safe_psql('postgres', qq{BEGIN; SELECT perfmgmt.act_as(4); SELECT perf.approve($id); COMMIT});
$node->safe_psql('postgres', 'VACUUM FULL; ANALYZE; CHECKPOINT');

is(found_in_tables(), '', 'it is in no table and no entry');
is(found_in_files(), '', 'in no file of a table or an index');
is(found_in_dump(), 0, 'nor in a dump');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_stats WHERE concat(most_common_vals::text, histogram_bounds::text) ~* 'planted-string'}), '0', 'nor in statistics');
is($node->safe_psql('postgres', qq{SELECT status FROM perf.verify_audit('$digest')}), 'anchored_ok', 'the ledger is the one of the digest from before');
is($node->safe_psql('postgres', 'SELECT * FROM perf.reconcile_audit()'), '', 'and the tables are as it says');
is($node->safe_psql('postgres', q{SELECT full_name || ' ' || external_id FROM perf.employee WHERE employee_id = 5}), 'erased erased 5', 'the row that others refer to');
is($node->safe_psql('postgres', q{SELECT md5(string_agg(r::text, ',' ORDER BY r.employee_id, r.rater_id)) FROM perf.principle_rating r WHERE r.employee_id <> 5}), $others,
    'what the person gave to others stays');
is($node->safe_psql('postgres', q{SELECT string_agg(line, ' ') FROM perf.import_line}), '"E55",x', 'a line that an import left; not that of another one');
my $file = "$PostgreSQL::Test::Utils::tmp_check/erased_ledger.txt";
run_command([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-o', $file, '-f', 'examples/verify.sql' ]);
($out, $err) = run_command([ 'python3', 'examples/verify', $file ]);
unlike($out . $err, qr/broken/, 'the independent verifier agrees') or diag $out . $err;

# The ends of retention: who wrote is gone, what was released stays --------------------

$node->safe_psql('postgres', q{UPDATE perf.review_cycle SET released_at = now() - interval '3 years'});
$node->safe_psql('postgres', q{BEGIN; SELECT perfmgmt.act_as(3); SELECT perf.purge_expired(); COMMIT});
is($node->safe_psql('postgres', q{SELECT count(*) FROM perf.principle_rating}), '0', 'no raters');
is($node->safe_psql('postgres', q{SELECT count(*) > 0 FROM perf.forte_score}), 't', 'the release is there');
is($node->safe_psql('postgres', q{SELECT count(*) FROM perf.audit_log WHERE author_after ? 'rater_id' OR author_before ? 'rater_id'}), '0', 'no rater in the ledger');
is($node->safe_psql('postgres', qq{SELECT status FROM perf.verify_audit('$digest')}), 'anchored_ok', 'the ledger is the one of the digest');
is($node->safe_psql('postgres', 'SELECT * FROM perf.reconcile_audit()'), '', 'and the tables are as it says');

done_testing();
