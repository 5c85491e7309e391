# Can somebody find out who wrote, or what is hidden? By marks: whatever is about
# a person carries the person's number, and no statement may bring a mark that is
# not one's own. And by twins: databases that differ in a hidden fact alone must
# answer everything with the same bytes. At the end rules are broken on purpose,
# and the attacker must notice.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Attacker;

my $node = PostgreSQL::Test::Cluster->new('attacked');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\ntrack_io_timing = off\nlog_statement = none\nlog_min_messages = fatal\nlog_min_error_statement = panic\nautovacuum = off");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE company');
script('company', 'attacked_company.sql');

my ($victim, $author, $peer) = (7700010, 7700011, 7700015);
my %people = (victim => $victim, peer => $peer, exmanager => 7700003, leaver => 7700020, boss => 7700002, hr => 7700030);
$node->safe_psql('company', q{
    CREATE ROLE victim LOGIN IN ROLE perfmgmt_employee;
    CREATE ROLE peer LOGIN IN ROLE perfmgmt_employee;
    CREATE ROLE exmanager LOGIN IN ROLE perfmgmt_employee, perfmgmt_leader;
    CREATE ROLE leaver LOGIN IN ROLE perfmgmt_employee;
    CREATE ROLE boss LOGIN IN ROLE perfmgmt_employee, perfmgmt_leader;
    CREATE ROLE hr LOGIN IN ROLE perfmgmt_employee, perfmgmt_hr;
    CREATE ROLE analyst LOGIN IN ROLE perfmgmt_analyst;
    SELECT perf.map_login(l, p) FROM (VALUES ('victim', 7700010), ('peer', 7700015), ('exmanager', 7700003), ('leaver', 7700020), ('boss', 7700002), ('hr', 7700030)) m(l, p);
});

my $copies = 0;
sub script
{
    my ($database, $file, @variables) = @_;
    my @command = ('psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($database), map({ ('-v', $_) } @variables), '-f', "test/t/$file");
    my ($out, $err) = ('', '');
    IPC::Run::run(\@command, '>', \$out, '2>', \$err) or BAIL_OUT("$file: $err");
}

# A company to the point where the attack begins: $before changes what is written
# in the first cycle, $after what happens in the second.
sub company
{
    my ($database, %change) = @_;
    $node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE company");
    $node->safe_psql($database, $change{before}) if $change{before};
    script($database, 'attacked_release.sql', map { "$_=$change{$_}" } grep { $change{$_} } qw(assess after));
    $node->safe_psql($database, $change{break}) if $change{break};
}

sub attacker
{
    my ($login, $database, %more) = @_;
    my $oneself = $people{$login} // $victim;
    my $other = $login eq 'victim' ? $author : $login eq 'boss' ? 7700021 : $login eq 'hr' ? 7700031 : $victim;
    return Attacker->new(node => $node, database => $database, login => $login,
        numbers => [ $oneself, $other, 1, 2, 0, -1, 7700014, 2147483647 ], texts => [ 'peer', 'stakeholder', 'hr', 'no such', '' ], %more);
}

# Marks in an answer that are neither in the statement nor allowed.
sub foreign_marks
{
    my ($statement, $answer, $allowed) = @_;
    my %given = map { $_ => 1 } $statement =~ /77000\d\d/g;
    my %found;
    $found{$_}++ for grep { !/$allowed/ } $answer =~ /(zq[a-z]+[0-9a-z]*77000\d\d|77000\d\d)/g;
    delete $found{$_} for keys %given;
    return sort keys %found;
}

sub findings
{
    my ($attacker, $allowed, $statements) = @_;
    my @statements = $statements ? @$statements : $attacker->statements;
    my @answers = $attacker->attack(@statements);
    my (@findings, $refused);
    for my $number (0 .. $#statements)
    {
        $refused++ if $answers[$number] =~ /^ERROR/m;
        my @marks = foreign_marks($statements[$number], $answers[$number], $allowed) or next;
        push @findings, "$statements[$number]: @marks";
    }
    note(scalar(@statements) . " statements by $attacker->{login}, " . ($refused // 0) . " refused");
    return @findings;
}

# Marks ------------------------------------------------------------------------

# The own rows; who manages; the people named in what one was asked or proposed.
my %allowed = (
    victim => qr/^(7700010|7700001|7700002|zq(name|summary|key|text1s)7700010|zqname7700003|7700003|zqname77000(11|12|18)|77000(11|12|18))$/,
    peer => qr/^(7700015|7700001|7700002|zq(name|summary|key|text1s)7700015|zqname7700003|7700003|(zqname|zqtext1s)?77000(1\d))$/,
    exmanager => qr/^(?!zqtext2)/,
    leaver => qr/^$/,
    analyst => qr/^$/);
company('marked');
$node->safe_psql('postgres', 'CREATE DATABASE fresh TEMPLATE marked');
for my $login (qw(victim peer exmanager leaver analyst))
{
    my @findings = findings(attacker($login, 'marked'), $allowed{$login});
    is(scalar(@findings), 0, "$login finds nobody's mark") or diag(join "\n", @findings[ 0 .. (@findings > 20 ? 19 : $#findings) ]);
}

# Twins --------------------------------------------------------------------------

sub assess
{
    my ($person, $job_performance, $potential) = @_;
    return 'INSERT INTO assessment (employee_id, review_cycle_id, job_performance, potential, summary, source, assessed_by, manager_chain) '
      . "SELECT employee_id, 1, $job_performance, $potential, summary, source, assessed_by, manager_chain FROM assessment WHERE employee_id = $person;";
}

# All that the victim must not know, and how to make it otherwise.
my %hidden = (
    'who wrote what' => { before => q{UPDATE public.written w SET answers = o.answers, principles = o.principles FROM public.written o
        WHERE w.subject_id = 7700010 AND o.subject_id = 7700010 AND w.author_id IN (7700012, 7700013) AND w.author_id + o.author_id = 15400025} },
    'a suppressed relation' => { before => q{DELETE FROM public.written WHERE subject_id = 7700010 AND relation = 'stakeholder'} },
    'what is said about somebody else' => { before => q{UPDATE public.written SET principles = '{"Ownership": 5, "Dive Deep": 1}',
        answers = (answers - 'strengths') || jsonb_build_object('communication', answers -> 'strengths') WHERE subject_id <> 7700010} },
    'potential' => { assess => assess(7700010, 'job_performance', 4) },
    'the label of somebody else' => { assess => assess(7700018, 5, 'potential') },
    'a decline' => { after => q{SELECT as_person(7700015, 'SELECT perf.decline_feedback(2, 7700010)');} },
    'an approval and a rejection' => { after => q{SELECT as_person(7700030, 'SELECT perf.approve_nomination(2, 7700010, 7700011)');
        SELECT as_person(7700030, 'SELECT perf.reject_nomination(2, 7700010, 7700012)');} },
    'a submission' => { after => q{SELECT as_person(7700030, 'SELECT perf.nominate_author(2, 7700010, 7700016)');
        SELECT as_person(7700016, $$SELECT perf.submit_feedback(2, 7700010, '{"growth": "zqtext2s7700010 more"}', '{}')$$);} },
    'Focus' => { after => q{SELECT as_person(7700002, $$SELECT perf.pip_advance(7700010, 'identify', 'zqreason7700002')$$);
        SELECT as_person(7700002, $$SELECT perf.pip_advance(7700010, 'enroll', 'zqreason7700002')$$);
        SELECT as_person(7700030, 'SELECT perf.approve((SELECT max(decision_id) FROM perf.decision), ''zqreason7700030'')');
        SELECT as_person(7700002, $$SELECT perf.note_coaching(7700010, 'zqreason7700002', 'zqreason7700002', false)$$);} },
    'disputes of others' => { after => q{SELECT as_person(7700014, 'SELECT perf.dispute_rating(1, ''zqdispute7700014'')');} },
    'a withdrawal' => { after => q{SELECT as_person(7700013, 'SELECT perf.withdraw_feedback(2, 7700010)');} });

# $after is a list of transactions of its own
sub change
{
    my (@names) = @_;
    my %change = (before => '', assess => '', after => '');
    for my $name (@names)
    {
        my $one = $hidden{$name};
        $change{$_} .= ($one->{$_} // '') . "\n" for qw(assess after);
        $change{before} .= "$one->{before};\n" if $one->{before};
    }
    $change{after} =~ s/^\s*(SELECT as_person.*;)$/BEGIN; $1 COMMIT;/mg;
    s/\n+/ /g for values %change;
    return %change;
}

# Without what differs by chance.
sub plain
{
    my ($answer) = @_;
    $answer =~ s/\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(\+00(:00)?)?/TIME/g;
    $answer =~ s/\\\\?x[0-9a-f]{64}/KEY/g;
    $answer =~ s/\b[1-9]\d{14,18}\b/LOT/g;
    $answer =~ s/pg_(toast_)?temp_\d+/pg_temp/g;
    $answer =~ s/^LOCATION: .*\n//mg;
    $answer =~ s/<(lot_key|lot_commitment)>[^<]*/<$1>/g;
    $answer =~ s/\b(fresh|twin|marked|led[a-z]+)\d*\b/database/g;
    return $answer;
}

sub first_five { return @_ > 5 ? @_[ 0 .. 4 ] : @_ }

# The statements that a twin answers otherwise.
sub differences
{
    my ($login, $statements, @databases) = @_;
    my ($first, $second) = Attacker::together($statements, map { attacker($login, $_, counts => 1) } @databases);
    my @differences;
    for my $number (0 .. $#$statements)
    {
        my ($one, $two) = (plain($first->[$number]), plain($second->[$number]));
        next if $one eq $two;
        my ($lines, $others) = map { my %line = map { $_ => 1 } split /\n/, $_; \%line } $one, $two;
        push @differences, join "\n", $statements->[$number], map({ "    here: $_" } first_five(grep { !$others->{$_} } sort keys %$lines)),
          map({ "    twin: $_" } first_five(grep { !$lines->{$_} } sort keys %$others));
    }
    return @differences;
}

# What is refused for want of a privilege is refused everywhere.
sub allowed_statements
{
    my ($login) = @_;
    my $attacker = attacker($login, 'marked');
    my @statements = $attacker->statements;
    my @answers = $attacker->attack(@statements);
    return [ map { $statements[$_] } grep { $answers[$_] !~ /^ERROR:  42501/m } 0 .. $#statements ];
}

company('twin', change(keys %hidden));
my $statements = allowed_statements('victim');
my @differences = differences('victim', $statements, copies('fresh', 'twin'));
is(scalar(@differences), 0, 'the victim cannot tell the twins apart by ' . scalar(@$statements) . ' statements')
  or diag(join "\n", @differences[ 0 .. (@differences > 15 ? 14 : $#differences) ]);

# Who leads, or is HR, is a subject, too: what is written about oneself is as hidden.
for my $case ([ 'boss', 7700002, 7700021, 7700022, 7700023 ], [ 'hr', 7700030, 7700031, 7700032, 7700002 ])
{
    my ($login, $subject, $one, $two, $third) = @$case;
    my $asked = $login eq 'boss' ? $two : 7700032;
    %hidden = (
        'who wrote what' => { before => "UPDATE public.written w SET answers = o.answers, principles = o.principles FROM public.written o
            WHERE w.subject_id = $subject AND o.subject_id = $subject AND w.author_id IN ($one, $two) AND w.author_id + o.author_id = $one + $two" },
        'a decline' => { after => "SELECT as_person($asked, 'SELECT perf.decline_feedback(2, $subject)');" },
        'a submission' => { after => "SELECT as_person(7700031, 'SELECT perf.nominate_author(2, $subject, $third)');
            SELECT as_person($third, \$\$SELECT perf.submit_feedback(2, $subject, '{\"growth\": \"zqtext2s$subject more\"}', '{}')\$\$);" });
    company("led$login", change(keys %hidden));
    my $statements = allowed_statements($login);
    # feedback_remind() returns how many authors have open requests, about HR too
    my @differences = grep { !/feedback_remind/ } differences($login, $statements, copies('fresh', "led$login"));
    is(scalar(@differences), 0, "$login cannot tell who wrote about $login by " . scalar(@$statements) . ' statements')
      or diag(join "\n", @differences[ 0 .. (@differences > 15 ? 14 : $#differences) ]);
}

# Copies, so that an attack leaves the originals as they are.
sub copies { return map { my $copy = $_ . ++$copies; $node->safe_psql('postgres', "CREATE DATABASE $copy TEMPLATE $_"); $copy } @_ }

# Broken rules ---------------------------------------------------------------------

# What is broken, by what it is noticed, and the statements that suffice.
my @broken = (
    [ 'R8: own_nominations() says what came of them', 'twins', qr/own_nominations/,
        redefine('perf.own_nominations()', 'n.relation, n.project', q{n.relation, (SELECT m.nomination_status FROM nomination m WHERE m.employee_id = n.employee_id AND m.review_cycle_id = n.review_cycle_id AND m.author_id = n.author_id)}) ],
    [ 'R8: proposing somebody who was asked is an error', 'twins', qr/nominate_author/,
        redefine('perf.propose_own_author(perf.participation, int, text, text)', 'BEGIN', q{BEGIN IF EXISTS (SELECT FROM nomination n WHERE n.employee_id = part.employee_id AND n.review_cycle_id = part.review_cycle_id AND n.author_id = propose_own_author.author_id) THEN RAISE EXCEPTION 'named before'; END IF;}) ],
    [ 'R8: proposing oneself quietly reads what others asked', 'twins', qr/nominate_author/,
        redefine('perf.propose_own_author(perf.participation, int, text, text)', 'BEGIN', q{BEGIN PERFORM set_config('enable_seqscan', 'off', true); PERFORM FROM nomination n WHERE n.employee_id = part.employee_id AND n.review_cycle_id = part.review_cycle_id AND n.nomination_status IN ('requested', 'submitted');}) ],
    [ 'row security of texts is off', 'marks', qr/forte_text|my_feedback/, 'ALTER TABLE perf.forte_text DISABLE ROW LEVEL SECURITY' ],
    [ 'a view runs as its owner', 'marks', qr/my_feedback/, 'ALTER VIEW forte.my_feedback SET (security_invoker = false); ALTER TABLE perf.forte_text NO FORCE ROW LEVEL SECURITY' ],
    [ 'employees read the own rows of feedback', 'marks', qr/perf\.feedback\b/, 'GRANT SELECT ON perf.feedback TO perfmgmt_employee; CREATE POLICY own ON perf.feedback FOR SELECT TO perfmgmt_employee USING (employee_id = perfmgmt.actor_id())' ],
    [ 'employees count nominations through a policy', 'twins', qr/perf\.nomination\b/, 'GRANT SELECT ON perf.nomination TO perfmgmt_employee; CREATE POLICY none ON perf.nomination FOR SELECT TO perfmgmt_employee USING (employee_id = -perfmgmt.actor_id())' ],
    [ 'a routine forgets to ask who is asking', 'marks', qr/own_disputes/, redefine('perf.own_disputes()', 'd.employee_id = actor_id()', 'true') ],
    [ 'an error says whose value it is', 'marks', qr/acknowledge_review/,
        redefine('perf.acknowledge_review(int, text)', 'BEGIN', q{BEGIN RAISE NOTICE '%', (SELECT string_agg(f.author_id::text, ' ') FROM feedback f);}) ],
    [ 'statistics of a release table', 'twins', qr/forte_text/, 'ALTER TABLE perf.forte_text ALTER question SET STATISTICS 100; ALTER TABLE perf.forte_text ALTER employee_id SET STATISTICS 100; ANALYZE perf.forte_text' ],
    [ 'leaders read authors under row security', 'twins', qr/perf\.feedback\b/, under_row_security('leader', 'manager_chain OPERATOR(perfmgmt.@>) ARRAY[perfmgmt.actor_id()]'), 'boss' ],
    [ 'HR reads authors under row security', 'twins', qr/perf\.feedback\b/, under_row_security('hr', q{perfmgmt.has_appointment('hr')}), 'hr' ],
    [ 'a function for leaders forgets who is asking', 'twins', qr/feedback_about/, redefine('perf.caller_sees_authors(int, int)', 'WHEN about_id = actor_id() THEN false', ''), 'hr' ],
    [ 'a sequence can be read', 'twins', qr/_seq\b/, 'GRANT SELECT ON ALL SEQUENCES IN SCHEMA perf TO perfmgmt_employee' ]);

sub under_row_security
{
    my ($role, $sight) = @_;
    return "GRANT SELECT ON perf.feedback TO perfmgmt_$role; CREATE POLICY planted ON perf.feedback FOR SELECT TO perfmgmt_$role USING ($sight);
        CREATE POLICY not_oneself ON perf.feedback AS RESTRICTIVE TO perfmgmt_$role USING (employee_id <> perfmgmt.actor_id())";
}

sub redefine
{
    my ($function, $before, $after) = @_;
    my $source = $node->safe_psql('fresh', "SELECT pg_get_functiondef('$function'::regprocedure)");
    $source =~ s/\Q$before\E/$after/ or die "$function has changed: \"$before\" is not there";
    return $source;
}

for my $broken (@broken)
{
    my ($name, $by, $which, $statement, $login) = @$broken;
    $login //= 'victim';
    my ($here, $there) = copies('fresh', $login eq 'victim' ? 'twin' : "led$login");
    $node->safe_psql($_, $statement) for $here, $there;
    my $attacker = attacker($login, $here);
    my @chosen = grep { /$which/ } $attacker->statements;
    my @found = $by eq 'marks' ? findings($attacker, $allowed{$login}, \@chosen) : differences($login, \@chosen, $here, $there);
    cmp_ok(scalar(@found), '>', 0, "noticed: $name");
    $node->safe_psql('postgres', "DROP DATABASE $_") for $here, $there;
}

# R11: who reads authors leaves a trace
sub reads_logged
{
    my ($database) = @_;
    my $count = "SELECT count(*) FROM perf.access_log WHERE actor_id = 7700003";
    my $before = $node->safe_psql($database, $count);
    $node->safe_psql($database, 'SELECT count(author_id) FROM olr.feedback', extra_params => [ '-U', 'exmanager' ]);
    return $node->safe_psql($database, $count) - $before;
}
my ($logged, $silent) = copies('fresh', 'fresh');
cmp_ok(reads_logged($logged), '>', 0, 'R11: a manager who reads authors is logged');
$node->safe_psql($silent, redefine('perf.feedback_about(int, int)', q{ AND log_read('perf.feedback', f.employee_id)}, ''));
is(reads_logged($silent), 0, 'noticed: R11: reads that are not logged');

$node->stop;
done_testing();
