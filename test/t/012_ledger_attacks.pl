# Every attack, seen by two: verify_audit() and examples/verify, which share no code,
# give the same answer, with the same first break. So they do for a ledger in
# another encoding. And who sees one entry alone proves it with the latter.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $tmp = $PostgreSQL::Test::Utils::tmp_check;
my $node = PostgreSQL::Test::Cluster->new('attacks');
$node->init;
$node->append_conf('postgresql.conf', 'fsync = off');
$node->start;

# 3 and 4 are HR, 5 left and is erased, 8 is attacked; two blocks and a rest
$node->safe_psql('postgres', q{
    CREATE EXTENSION perfmgmt;
    CALL perfmgmt.install();
    INSERT INTO perf.team VALUES (1, 'company', NULL);
    INSERT INTO perf.employee (employee_id, external_id, full_name, hired_on)
    SELECT n, 'E' || n, 'Person ' || n, '2020-01-01' FROM generate_series(1, 9) n;
    INSERT INTO perf.assignment (employee_id, manager_id, team_id, level_code, valid_during)
    SELECT n, nullif(1, n), 1, 'SDE I', '[2020-01-01,)' FROM generate_series(1, 9) n;
    SELECT perf.appoint(3, 'hr', 'first'), perf.appoint(4, 'hr', 'second');
    SELECT perf.seal_audit();
    INSERT INTO perf.absence (employee_id, valid_during) SELECT n, '[2024-01-01,2024-02-01)' FROM generate_series(5, 9) n, generate_series(1, 3);
    UPDATE perf.assignment SET valid_during = '[2020-01-01,2022-01-01)' WHERE employee_id = 5;
    UPDATE perf.employee SET left_on = '2022-01-01' WHERE employee_id = 5;
    BEGIN; SELECT perfmgmt.act_as(3); SELECT perf.place_legal_hold(8, 'a court asks'); COMMIT;
});
my $decision = $node->safe_psql('postgres', q{BEGIN; SELECT perfmgmt.act_as(3) \g /dev/null
    SELECT perf.erase_subject(5, 'asked for it'); COMMIT});
$node->safe_psql('postgres', qq{BEGIN; SELECT perfmgmt.act_as(4); SELECT perf.approve($decision); COMMIT});
$node->safe_psql('postgres', q{SELECT perf.seal_audit();
    UPDATE perf.absence SET valid_during = '[2024-01-01,2024-03-01)' WHERE employee_id IN (5, 8)});

sub kept
{
    my ($name, $json) = @_;
    my $file = "$tmp/$name.json";
    unlink $file;
    append_to_file($file, $json);
    return $file;
}
my $digest = $node->safe_psql('postgres', 'SELECT perf.audit_digest()');
my $digest_file = kept('digest', $digest);

# The answers ---------------------------------------------------------------------
# The export stands in the transaction of the attack.

my $export = join "\n", grep { !/^(BEGIN|COMMIT)\b/ } split /\n/, slurp_file('examples/verify.sql');

sub outside
{
    my ($file, @digests) = @_;
    my ($out, $err) = run_command([ 'python3', 'examples/verify', $file, @digests ]);
    $out =~ s/^(unanchored|anchored_ok)\b.*/$1/;
    return $out . $err;
}

# what both say, or how they differ
sub answer
{
    my ($attack, $with_digest) = @_;
    my $file = "$tmp/attacked.txt";
    my $argument = $with_digest ? "'$digest'" : '';
    unlink $file;
    my $inside = $node->safe_psql('postgres', qq{
BEGIN;
$attack;
\\o $file
$export
\\o
SELECT concat_ws(' ', status, broken_table, broken_subject, broken_sequence, problem) FROM perf.verify_audit($argument);
ROLLBACK;});
    my $outside = outside($file, $with_digest ? $digest_file : ());
    return $inside eq $outside ? $inside : "inside: $inside, outside: $outside";
}

is(answer('', 0), 'unanchored', 'no attack, no digest');
is(answer('', 1), 'anchored_ok', 'no attack, with a digest');

my $last = $node->safe_psql('postgres', 'SELECT sequence FROM perf.audit_head WHERE subject = 8');
my $sealed = $node->safe_psql('postgres', 'SELECT max(sequence) FROM perf.audit_block_head WHERE subject = 8');
my $flip = sub { my ($column, $at) = @_; return "$column = set_byte($column, $at, get_byte($column, $at) # 16)" };
my $entry = sub { my ($change, $place) = @_; return "UPDATE perf.audit_entry SET $change WHERE (subject, sequence) = (" . ($place // '8, 3') . ')' };
my $wrong = 'the hash is not that of the entry';
# a head that fits what is left
my $fit = 'UPDATE perf.audit_head h SET (sequence, hash) = (SELECT e.sequence, e.hash FROM perf.audit_entry e WHERE e.subject = h.subject ORDER BY sequence DESC LIMIT 1)';
my $no_key = 'ALTER TABLE perf.audit_entry DROP CONSTRAINT audit_entry_pkey';
my $empty = 'DELETE FROM perf.audit_entry; DELETE FROM perf.audit_head; DELETE FROM perf.audit_block; DELETE FROM perf.audit_block_head';
# who knows how hashes are made
$node->safe_psql('postgres', q{
CREATE FUNCTION public.rewrite(of_subject int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    e record;
    prev bytea := decode(repeat('00', 32), 'hex');
BEGIN
    FOR e IN SELECT * FROM perf.audit_entry WHERE subject = of_subject ORDER BY sequence LOOP
        UPDATE perf.audit_entry a SET prev_hash = prev, hash = perfmgmt.chain_hash(prev,
            perfmgmt.audit_header(e.subject, e.sequence, e.table_name, e.operation),
            coalesce(perfmgmt.part_digest('content', e.content), e.content_digest),
            coalesce(perfmgmt.part_digest('authorship', e.authorship), e.authorship_digest))
        WHERE a.subject = e.subject AND a.sequence = e.sequence RETURNING a.hash INTO prev;
    END LOOP;
    UPDATE perf.audit_head SET hash = prev WHERE subject = of_subject;
END $$;
CREATE FUNCTION public.rewrite_blocks() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    b record;
    prev bytea := decode(repeat('00', 32), 'hex');
BEGIN
    UPDATE perf.audit_block_head h SET hash = e.hash FROM perf.audit_entry e WHERE (e.subject, e.sequence) = (h.subject, h.sequence);
    FOR b IN SELECT * FROM perf.audit_block ORDER BY block LOOP
        UPDATE perf.audit_block k SET previous_hash = prev,
            entries_root = (SELECT perfmgmt.merkle_tree(e.hash ORDER BY e.subject, e.sequence) FROM perf.audit_entry e
                            WHERE (SELECT min(h.block) FROM perf.audit_block_head h WHERE h.subject = e.subject AND h.sequence >= e.sequence) = b.block),
            heads_root = (SELECT perfmgmt.merkle_tree(int4send(h.subject) || int8send(h.sequence) || h.hash ORDER BY h.subject)
                          FROM perf.audit_block_head h WHERE h.block = b.block)
        WHERE k.block = b.block;
        UPDATE perf.audit_block k SET hash = perfmgmt.block_hash(k.block, k.previous_hash, k.entries, k.heads, k.entries_root, k.heads_root,
            k.sealed_at, k.system_identifier, k.timeline, k.database_oid, k.incarnation)
        WHERE k.block = b.block RETURNING k.hash INTO prev;
    END LOOP;
END $$});

my @attacks = (
    # any field of an entry
    [ $entry->($flip->('content', 20)), "audit_entry 8 3 $wrong" ],
    [ $entry->($flip->('authorship', 0)), "audit_entry 8 3 $wrong" ],
    [ $entry->($flip->('prev_hash', 31)), "audit_entry 8 3 $wrong" ],
    [ $entry->($flip->('hash', 31)), "audit_entry 8 3 $wrong" ],
    [ $entry->("content = ''"), "audit_entry 8 3 $wrong" ],
    [ $entry->("hash = '', prev_hash = ''"), "audit_entry 8 3 $wrong" ],
    [ $entry->("table_name = E'perf.a|b\\nc'"), "audit_entry 8 3 $wrong" ],
    [ $entry->("operation = 'erase'"), "audit_entry 8 3 $wrong" ],
    [ $entry->('subject = 88'), 'audit_entry 8 3 the entry is missing' ],
    [ $entry->('sequence = 300'), 'audit_entry 8 3 the entry is missing' ],
    [ $entry->('sequence = -3'), 'audit_entry 8 -3 the entry is there twice, or its sequence is below 1' ],
    [ $entry->('content = authorship, authorship = content'), "audit_entry 8 3 $wrong" ],
    # deleted
    [ 'DELETE FROM perf.audit_entry WHERE (subject, sequence) = (8, 3)', 'audit_entry 8 3 the entry is missing' ],
    [ "DELETE FROM perf.audit_entry WHERE (subject, sequence) = (8, $last)", "audit_entry 8 $last the entry is missing" ],
    [ "DELETE FROM perf.audit_entry WHERE subject = 8 AND sequence >= $sealed; $fit", "audit_entry 8 $sealed the entry was sealed and is missing" ],
    [ 'DELETE FROM perf.audit_entry WHERE subject = 8', 'audit_entry 8 1 the chain is missing' ],
    [ 'DELETE FROM perf.audit_entry WHERE subject = 9', 'audit_entry 9 1 the chain is missing' ],
    [ 'DELETE FROM perf.audit_entry WHERE subject = 8; DELETE FROM perf.audit_head WHERE subject = 8', 'audit_entry 8 1 the chain was sealed and is missing' ],
    [ 'DELETE FROM perf.audit_entry WHERE subject = 8; DELETE FROM perf.audit_head WHERE subject = 8; DELETE FROM perf.audit_block_head WHERE subject = 8',
        'audit_block 0 1 entries that the block sealed are missing' ],
    [ 'DELETE FROM perf.audit_entry', 'audit_entry 0 1 the chain is missing' ],
    [ $empty, 'audit_block 0 2 the block of the digest is missing', 'unanchored' ],
    # out of place
    [ 'UPDATE perf.audit_entry SET sequence = CASE sequence WHEN 2 THEN -3 ELSE -2 END WHERE subject = 8 AND sequence IN (2, 3);
       UPDATE perf.audit_entry SET sequence = -sequence WHERE sequence < 0', "audit_entry 8 2 $wrong" ],
    [ "$no_key; INSERT INTO perf.audit_entry SELECT * FROM perf.audit_entry WHERE (subject, sequence) = (8, 3)",
        'audit_entry 8 3 the entry is there twice, or its sequence is below 1' ],
    [ "INSERT INTO perf.audit_entry SELECT subject, $last + 1, table_name, operation, content, authorship, content_digest, authorship_digest, prev_hash, hash
       FROM perf.audit_entry WHERE (subject, sequence) = (8, $last)", 'audit_entry 8 ' . ($last + 1) . " $wrong" ],
    [ "UPDATE perf.audit_entry SET subject = 9, sequence = 1 + (SELECT sequence FROM perf.audit_head WHERE subject = 9) WHERE (subject, sequence) = (8, $last); $fit",
        'audit_entry 9 ' . (1 + $node->safe_psql('postgres', 'SELECT sequence FROM perf.audit_head WHERE subject = 9')) . " $wrong" ],
    [ 'UPDATE perf.audit_entry SET subject = CASE subject WHEN 8 THEN -9 ELSE -8 END WHERE subject IN (8, 9);
       UPDATE perf.audit_entry SET subject = -subject WHERE subject < 0', "audit_entry 8 1 $wrong" ],
    [ 'INSERT INTO perf.audit_entry SELECT -8, sequence, table_name, operation, content, authorship, content_digest, authorship_digest, prev_hash, hash
       FROM perf.audit_entry WHERE (subject, sequence) = (8, 1)', "audit_entry -8 1 $wrong" ],
    # spliced and rewritten
    [ 'DELETE FROM perf.audit_entry WHERE (subject, sequence) = (8, 3); UPDATE perf.audit_entry SET sequence = 1 - sequence WHERE subject = 8 AND sequence > 3;
       UPDATE perf.audit_entry SET sequence = -sequence WHERE sequence < 0; UPDATE perf.audit_head SET sequence = sequence - 1 WHERE subject = 8; DO $$BEGIN PERFORM rewrite(8); END$$',
        'audit_entry 8 ' . $node->safe_psql('postgres', 'SELECT min(sequence) FROM perf.audit_block_head WHERE subject = 8 AND sequence >= 3') . ' the entry is not the one that was sealed' ],
    [ $entry->($flip->('content', 20)) . '; DO $$BEGIN PERFORM rewrite(8), rewrite_blocks(); END$$', 'audit_block 0 2 the block is not the one of the digest', 'unanchored' ],
    [ $entry->($flip->('content', 20), "8, $last") . '; DO $$BEGIN PERFORM rewrite(8); END$$', undef, 'unanchored' ],
    # heads, sealed heads, blocks
    [ 'DELETE FROM perf.audit_head WHERE subject = 8', "audit_head 8 $last the chain has no head" ],
    [ 'UPDATE perf.audit_head SET ' . $flip->('hash', 5) . ' WHERE subject = 8', "audit_head 8 $last the head is not the last entry" ],
    [ 'UPDATE perf.audit_head SET sequence = sequence + 1 WHERE subject = 8', 'audit_entry 8 ' . ($last + 1) . ' the entry is missing' ],
    [ 'UPDATE perf.audit_head SET sequence = sequence - 1 WHERE subject = 8', "audit_entry 8 $last the entry is beyond the head of the chain" ],
    [ 'UPDATE perf.audit_head SET subject = 4711 WHERE subject = 8', "audit_head 8 $last the chain has no head" ],
    [ "UPDATE perf.audit_head SET hash = '' WHERE subject = 8", "audit_head 8 $last the head is not the last entry" ],
    [ 'UPDATE perf.audit_block_head SET ' . $flip->('hash', 5) . " WHERE (subject, sequence) = (8, $sealed)", "audit_entry 8 $sealed the entry is not the one that was sealed" ],
    [ "UPDATE perf.audit_block_head SET block = 9 WHERE (subject, sequence) = (8, $sealed)", "audit_block_head 8 $sealed the block is missing" ],
    [ "UPDATE perf.audit_block_head SET block = 1 WHERE (subject, sequence) = (8, $sealed)", 'audit_block 0 1 entries that the block sealed are missing' ],
    [ "UPDATE perf.audit_block_head SET sequence = sequence - 1 WHERE (subject, sequence) = (8, $sealed)", 'audit_entry 8 ' . ($sealed - 1) . ' the entry is not the one that was sealed' ],
    [ 'DELETE FROM perf.audit_block_head WHERE subject = 8', 'audit_block 0 1 entries that the block sealed are missing' ],
    [ "ALTER TABLE perf.audit_block_head DROP CONSTRAINT audit_block_head_pkey; INSERT INTO perf.audit_block_head SELECT * FROM perf.audit_block_head WHERE (subject, sequence) = (8, $sealed)",
        "audit_block_head 8 $sealed the entry is sealed twice" ],
    (map { [ "UPDATE perf.audit_block SET $_ WHERE block = 1", 'audit_block 0 1 the hash is not that of the block' ] }
          'entries = entries + 1', 'heads = heads + 1', "sealed_at = sealed_at + interval '1 us'", 'system_identifier = -system_identifier', 'timeline = 7', 'database_oid = 1',
          'incarnation = 2', $flip->('entries_root', 0), $flip->('heads_root', 31), $flip->('hash', 0), "entries_root = ''", "hash = ''", 'heads_root = heads_root || heads_root'),
    [ 'ALTER TABLE perf.audit_block ALTER heads_root DROP NOT NULL; UPDATE perf.audit_block SET heads_root = NULL WHERE block = 2', 'audit_block 0 2 the hash is not that of the block' ],
    [ 'UPDATE perf.audit_block SET ' . $flip->('previous_hash', 0) . ' WHERE block = 2', 'audit_block 0 2 the block does not follow the one before' ],
    [ 'UPDATE perf.audit_block SET block = 3 WHERE block = 2', 'audit_block 0 2 the block is missing' ],
    [ 'DELETE FROM perf.audit_block WHERE block = 1', 'audit_block 0 1 the block is missing' ],
    # yesterday's backup, continued
    [ 'DELETE FROM perf.audit_block WHERE block = 2; DELETE FROM perf.audit_block_head WHERE block = 2', 'audit_block 0 2 the block of the digest is missing', 'unanchored' ],
    [ 'DELETE FROM perf.audit_block WHERE block = 2; DELETE FROM perf.audit_block_head WHERE block = 2; DO $$BEGIN PERFORM perf.seal_audit(); END$$',
        'audit_block 0 2 the block is not the one of the digest', 'unanchored' ],
    # erased by nobody, or beside what an erasure says
    [ $entry->("content = NULL, content_digest = perfmgmt.part_digest('content', content)"), 'audit_entry 8 3 a part was erased and no entry says who decided' ],
    [ $entry->("authorship = NULL, authorship_digest = perfmgmt.part_digest('authorship', authorship)"), 'audit_entry 8 3 a part was erased and no entry says who decided' ],
    [ $entry->('content = NULL, content_digest = sha256(content)'), "audit_entry 8 3 $wrong" ],
    [ $entry->("content = NULL, content_digest = ''"), "audit_entry 8 3 $wrong" ],
);
# the chain of who was erased: what the erasure names, and what it does not
my ($erasure, $after) = split /\|/, $node->safe_psql('postgres', q{
    SELECT e.sequence, h.sequence FROM perf.audit_entry e JOIN perf.audit_head h USING (subject) WHERE subject = 5 AND operation = 'erase'});
cmp_ok($after, '>', $erasure, 'the chain of who was erased goes on');
my $redact = "content = NULL, content_digest = perfmgmt.part_digest('content', content), authorship = NULL, authorship_digest = perfmgmt.part_digest('authorship', authorship)";
push @attacks,
  [ $entry->($redact, "5, $after"), "audit_entry 5 $after a part was erased and no entry says who decided" ],
  # a decision that is kept, before the erasure in the same chain
  [ "UPDATE perf.audit_entry SET $redact WHERE subject = 5 AND sequence < $erasure AND content IS NOT NULL",
    'audit_entry 5 ' . $node->safe_psql('postgres', "SELECT min(sequence) FROM perf.audit_entry WHERE subject = 5 AND sequence < $erasure AND content IS NOT NULL")
      . ' a part was erased and no entry says who decided' ],
  [ $entry->($redact, "5, $erasure"), 'audit_entry 5 1 a part was erased and no entry says who decided' ];

foreach my $attack (@attacks)
{
    my ($sql, $with, $without) = @$attack;
    my $name = $sql =~ s/\s+/ /gr;
    $without //= "broken $with";
    is(answer($sql, 0), $without, $name);
    is(answer($sql, 1), defined $with ? "broken $with" : 'anchored_ok', "... with a digest") if $without !~ /^broken/;
}

# Since a digest from before the erasure, which speaks of entries on both sides of it
my $since = $node->safe_psql('postgres', q{SELECT json_build_object('format', 'perfmgmt-audit-1', 'block', block, 'hash', encode(hash, 'hex')) FROM perf.audit_block WHERE block = 1});
my $later = "SELECT concat_ws(' ', status, broken_table, broken_subject, broken_sequence, problem) FROM perf.verify_audit(since => '$since')";
is($node->safe_psql('postgres', $later), 'anchored_ok', 'an erasure after the anchor');
my $unnamed = $entry->($redact, "5, $after");
is($node->safe_psql('postgres', "BEGIN; $unnamed; $later"), "broken audit_entry 5 $after a part was erased and no entry says who decided", 'and what it does not name');
# an erasure that names what comes after it, or itself, explains nothing
is($node->safe_psql('postgres', qq{BEGIN;
    INSERT INTO perf.erasure (employee_id, decision_id, what, reason, proposed_by, decided_by, erased_entries)
    VALUES (8, $decision, 'x', 'x', 3, 4, ARRAY[1, 1000]), (8, $decision, 'x', 'x', 3, 4, ARRAY[3, 2]), (8, $decision, 'x', 'x', 3, 4, ARRAY[-9223372036854775808, 3]);
    } . $entry->($redact) . q{; SELECT broken_sequence, problem FROM perf.verify_audit()}), '3|a part was erased and no entry says who decided', 'ranges that cannot be');
is($node->safe_psql('postgres', qq{BEGIN;
    INSERT INTO perf.erasure (employee_id, decision_id, what, reason, proposed_by, decided_by, erased_entries)
    VALUES (8, $decision, 'x', 'x', 3, 4, ARRAY[1, 1]), (8, $decision, 'x', 'x', 3, 4, ARRAY[2, 3, 2, 2]);
    } . join(';', map { $entry->($redact, "8, $_") } 1 .. 3) . q{; SELECT status, redacted - (SELECT count(*) FROM perf.audit_entry WHERE subject = 5 AND content IS NULL) FROM perf.verify_audit()}),
    'unanchored|3', 'ranges one after the other, and one in another');

# The table exchanged: refused, not read
my ($status, $out, $err) = $node->psql('postgres', 'BEGIN; ALTER TABLE perf.audit_entry RENAME TO a; CREATE VIEW perf.audit_entry AS SELECT * FROM perf.a; SELECT perf.verify_audit()');
like($err, qr/"audit_entry" is not the table of the ledger/, 'a view in the place of the ledger');
($status, $out, $err) = $node->psql('postgres', 'BEGIN; DROP VIEW perf.audit_log; ALTER TABLE perf.audit_entry ALTER hash TYPE text USING hash::text; SELECT perf.verify_audit()');
like($err, qr/"audit_entry" is not the table of the ledger/, 'another type of a column');

# What is cut off is no ledger
$node->safe_psql('postgres', "\\o $tmp/whole.txt\n$export");
my @lines = split /^/, slurp_file("$tmp/whole.txt");
foreach my $left (0, 1, 20, $#lines)
{
    unlink "$tmp/part.txt";
    append_to_file("$tmp/part.txt", join('', @lines[ 0 .. $left - 1 ]));
    unlike(outside("$tmp/part.txt"), qr/^(un)?anchored/, "an export of $left lines is not whole");
}

# One entry -------------------------------------------------------------------------
# For who has neither the ledger nor a database.

my $inclusion = $node->safe_psql('postgres', q{SELECT perf.audit_inclusion(8, 3)::jsonb || jsonb_build_object('content', encode(content, 'hex')) FROM perf.audit_entry WHERE (subject, sequence) = (8, 3)});
my $consistency = $node->safe_psql('postgres', 'SELECT perf.audit_consistency(0)');
my $older = $node->safe_psql('postgres', q{SELECT json_build_object('block', block, 'hash', encode(hash, 'hex')) FROM perf.audit_block WHERE block = 1});
sub proven
{
    my ($entry, $blocks, @digests) = @_;
    my $n = 0;
    my ($out, $err) = run_command([ 'python3', 'examples/verify', '--entry', kept('entry', $entry), kept('blocks', $blocks), map { kept('digest' . $n++, $_) } @digests ]);
    return $out . $err;
}
is(proven($inclusion, $consistency, $digest, $older), 'anchored_ok up to block 2: entry 3 of chain 8 is in block 2', 'an entry with its content, from block to block to the digest');
my $all = $node->safe_psql('postgres', q{
    SELECT string_agg(perf.audit_inclusion(e.subject, e.sequence)::text, E'\n') FROM perf.audit_entry e JOIN perf.audit_block_head h ON h.subject = e.subject AND h.sequence = e.sequence});
my @bad = grep { proven($_, $consistency, $digest) !~ /^anchored_ok/ } split /\n/, $all;
is("@bad", '', 'so has each sealed head');
foreach my $change (
    [ 'another content', $inclusion =~ s/("content": "..)(.)/$1 . ($2 eq '0' ? '1' : '0')/er, $consistency, $digest ],
    [ 'another operation', $inclusion =~ s/"operation": "\w+"/"operation": "delete"/r, $consistency, $digest ],
    [ 'another person', $inclusion =~ s/"subject": 8/"subject": 9/r, $consistency, $digest ],
    [ 'another place', $inclusion =~ s/("leaf_index": )(\d+)/$1 . ($2 ^ 1)/er, $consistency, $digest ],
    [ 'another way', $inclusion =~ s/("path": \["..)(.)/$1 . ($2 eq '0' ? '1' : '0')/er, $consistency, $digest ],
    [ 'another block', $inclusion, $consistency =~ s/("incarnation" : )1/${1}7/r, $digest ],
    [ 'blocks that are not those of the digest', $inclusion, $consistency, $digest =~ s/("hash" : ".)./${1}x/r ],
    [ 'a digest from before', $inclusion, $consistency, $older ])
{
    my ($what, @given) = @$change;
    isnt("@given[0 .. 2]", "$inclusion $consistency $digest", "$what: changed");
    like(proven(@given), qr/^broken /, "$what proves nothing");
}

# Other encodings --------------------------------------------------------------------
# The same values give the same bytes; names that are not ASCII are hashed as UTF-8.

my %bytes;
foreach my $encoding ('UTF8', 'LATIN1', 'SQL_ASCII')
{
    my $database = lc $encoding;
    $node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0 ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C'");
    # bytes of a client in UTF-8, as they are in a database without an encoding
    my $values = q{SELECT 'Zoë'::text AS "wört", 'Zoë'::name AS n, '{Zoë}'::text[] AS texts, '{"ë": "Zoë", "zz": 1, "a": {"ü": [], "bb": null}}'::jsonb AS document,
        1.50 AS amount, '2026-03-29 01:30+00'::timestamptz AS at, '[2026-01-01,)'::daterange AS during};
    $node->safe_psql($database, q{SET client_encoding = 'UTF8';
        CREATE EXTENSION perfmgmt; CALL perfmgmt.install();
        INSERT INTO perf.employee (employee_id, external_id, full_name, hired_on) VALUES (1, 'E1', 'Zoë', '2020-01-01');
        CREATE TYPE public.mood AS ENUM ('müde');
        CREATE TABLE perf."prämie" (employee_id int, id int PRIMARY KEY, "größe" text, mood public.mood);
        CALL perfmgmt.watch_table('perf."prämie"');
        GRANT SELECT ON perf."prämie" TO perfmgmt_engine;
        INSERT INTO perf."prämie" VALUES (1, 1, 'groß', 'müde');
        UPDATE perf."prämie" SET "größe" = 'größer';
        SELECT perf.seal_audit()} =~ s/\QSET client_encoding = 'UTF8';\E/$encoding eq 'SQL_ASCII' ? '' : $&/er);
    my $set = $encoding eq 'SQL_ASCII' ? '' : q{SET client_encoding = 'UTF8';};
    $bytes{$encoding} = $node->safe_psql($database, "$set SELECT perfmgmt.canonical_row(r) FROM ($values) r");
    is($node->safe_psql($database, 'SELECT status, problem FROM perf.verify_audit(perf.audit_digest())'), 'anchored_ok|', "$encoding: verified");
    is($node->safe_psql($database, 'SELECT * FROM perf.reconcile_audit()'), '', "$encoding: and as the tables are");
    is($node->safe_psql($database, "$set SELECT row_before ->> 'größe', row_after ->> 'größe' FROM perf.history('perf.prämie', 1) OFFSET 1"), 'groß|größer', "$encoding: read again");
    my $file = "$tmp/$database.txt";
    run_command([ 'psql', '-X', '-q', '-d', $node->connstr($database), '-o', $file, '-f', 'examples/verify.sql' ]);
    is(outside($file, kept($database, $node->safe_psql($database, 'SELECT perf.audit_digest()'))), 'anchored_ok', "$encoding: and from outside");
}
is($bytes{$_}, $bytes{UTF8}, "$_: the same bytes") foreach 'LATIN1', 'SQL_ASCII';

done_testing();
