-- The release: which authors and answers are shown (forte_cells, without any
-- table), and what release_forte() writes of it. The fixture is told in
-- setup.sql; the cycles of the second part are made here.
SELECT * FROM no_plan() \g /dev/null
SET search_path = public, perf, perfmgmt;

-- One author a line: relation, scores (a digit or - a position), texts (1 or 0 a
-- question). The authors are numbered from 1. A shown cell is written the same
-- way: relation, authors, scores or bands (l m h), texts.
CREATE FUNCTION shown(lines text[], k int DEFAULT 3) RETURNS text LANGUAGE sql AS $$
    WITH answer AS (
        SELECT n::int AS author_id, split_part(line, ' ', 1) AS relation,
               ARRAY(SELECT nullif(s, '-')::smallint FROM unnest(string_to_array(split_part(line, ' ', 2), NULL)) s) AS scores,
               (SELECT sum(t::int << (i - 1)::int)::int FROM unnest(string_to_array(split_part(line, ' ', 3), NULL)) WITH ORDINALITY x(t, i)) AS texts
        FROM unnest(lines) WITH ORDINALITY l(line, n)
    )
    SELECT string_agg(format('%s %s %s %s', c.relation, array_to_string(c.author_ids, '+'),
                             (SELECT string_agg(coalesce(CASE s WHEN -1 THEN 'l' WHEN -2 THEN 'm' WHEN -3 THEN 'h' ELSE round(s / 2.0, 1)::text END, '-'), ',' ORDER BY i)
                              FROM unnest(c.scores[:(SELECT max(cardinality(a.scores)) FROM answer a)]) WITH ORDINALITY x(s, i)),
                             c.texts), '; ' ORDER BY i)
    FROM (SELECT forte_cells(author_id, relation, relation NOT IN ('self', 'manager'), 1, scores, texts, k) AS cells FROM answer) a,
         unnest(a.cells) WITH ORDINALITY c(relation, is_anonymous, author_ids, scores, texts, i)
$$;
CREATE TEMP TABLE example (place int GENERATED ALWAYS AS IDENTITY, lines text[], k int DEFAULT 3, expected text, name text);
INSERT INTO example (lines, expected, name) VALUES
    ('{peer 4,peer 3}', NULL, 'k - 1 peers: nothing'),
    ('{peer 4,peer 3,peer 3}', 'peer 1+2+3 3.5 0', 'k peers'),
    ('{peer 4,peer 3,peer 3,peer 3}', 'peer 1+2+3+4 3.5 0', 'k + 1 peers'),
    ('{peer 4,peer 3,stakeholder 3}', 'colleagues 1+2+3 3.5 0', 'k - 1 peers and somebody else are colleagues'),
    ('{peer 4,stakeholder 3,direct_report 3}', 'colleagues 3+1+2 3.5 0', 'one of each is enough for colleagues'),
    ('{peer 4,peer 3,stakeholder 3,stakeholder 4,stakeholder 5}', 'stakeholder 3+4+5 h 0', 'k - 1 peers beside k stakeholders: no peers, and no total to subtract from'),
    ('{peer 4,peer 3,manager 5,self 5}', 'manager 3 5.0 0; self 4 5.0 0', 'manager and self are shown as such and make up no group'),
    ('{manager 3,manager 4,self 4}', 'manager 1+2 3.5 0; self 3 4.0 0', 'the mean of two managers is of those who are named'),
    -- unanimous groups, and those that look the same
    ('{peer 5,peer 5,peer 5}', 'peer 1+2+3 h 0', 'all 5: a band'),
    ('{peer 4,peer 4,peer 4}', 'peer 1+2+3 h 0', 'all 4: the same band'),
    ('{peer 5,peer 5,peer 2}', 'peer 1+2+3 h 0', 'a mean of 4.0 that is not unanimous: the same band'),
    ('{peer 5,peer 5,peer 5,peer 4}', 'peer 1+2+3+4 h 0', '4.75 rounds to 5.0: the same band'),
    ('{peer 3,peer 3,peer 3}', 'peer 1+2+3 m 0', 'all 3: a band'),
    ('{peer 1,peer 3,peer 5}', 'peer 1+2+3 m 0', 'a spread around 3: the same band'),
    ('{peer 2,peer 2,peer 2}', 'peer 1+2+3 l 0', 'all 2: a band'),
    ('{peer 1,peer 1,peer 1}', 'peer 1+2+3 l 0', 'all 1: the same band'),
    ('{peer 4,peer 4,peer 5}', 'peer 1+2+3 4.5 0', 'one off: half a level is shown'),
    ('{peer 4,peer 4,peer 4,peer 5}', 'peer 1+2+3+4 4.5 0', '4.25 rounds up'),
    -- the same authors for all that is shown
    ('{peer 43,peer 33,peer 34,peer 3-}', 'peer 1+2+3 3.5,3.5 0', 'one skipped the second: it is shown of the three, and so is the first'),
    ('{peer 43,peer 33,peer 3-,peer 3-}', 'peer 1+2+3+4 3.5,- 0', 'two skipped it: it is not shown'),
    ('{peer 43,peer 33,peer -3,peer 3-}', 'peer 1+2+4 3.5,- 0', 'each is answered by k, by other people: one of the two is shown'),
    ('{peer 33 1,peer 43 1,peer 33 1,peer 33 0}', 'peer 1+2+3 3.5,m 1', 'a text of k: shown with the scores of the same'),
    ('{peer 33 1,peer 43 1,peer 33 0,peer 33 0}', 'peer 1+2+3+4 3.5,m 0', 'a text of k - 1: not shown'),
    ('{peer 34 00,peer 34 00,peer 35 00,peer - 11,peer - 11,peer - 11}', 'peer 4+5+6 -,- 3; colleagues 1+2+3 m,4.5 0', 'two groups with nobody in common: who is left over are colleagues'),
    ('{peer 343434,peer 343434,peer 353434,peer ------ 10,peer ------ 10,direct_report ------ 1}', 'peer 1+2+3 m,4.5,m,h,m,h 0; colleagues 6+4+5 -,-,-,-,-,- 1', 'left-over peers and others are colleagues together'),
    ('{peer ---,peer ---,peer ---}', NULL, 'who answers nothing is nobody');
INSERT INTO example (lines, k, expected, name) VALUES
    ('{peer 4,peer 3,peer 3,peer 3}', 5, NULL, 'k of 5: 4 are not enough'),
    ('{peer 4,peer 3,peer 3,peer 3,peer 4}', 5, 'peer 1+2+3+4+5 3.5 0', 'k of 5: 5 are');
SELECT is(shown(lines, k), expected, name) FROM example ORDER BY place;

-- who comes as peer in one table and as manager in another
SELECT is((SELECT array_agg((c.relation, c.author_ids)::text) FROM (
        SELECT forte_cells(a, r, r = 'peer', p, ARRAY[3]::smallint[], NULL, 3) AS cells
        FROM (VALUES (1, 'peer', 1), (2, 'peer', 1), (3, 'manager', 1), (3, 'peer', 2), (1, 'peer', 2), (2, 'peer', 2)) v(a, r, p)) x, unnest(x.cells) c),
    ARRAY['(peer,"{1,2,3}")'], 'an author in two relations counts in the anonymous one');

-- Random people ------------------------------------------------------------

SELECT setseed(0.4711) \g /dev/null
CREATE TEMP TABLE answer AS
SELECT p.person, p.k, a AS author_id,
       (ARRAY['peer', 'peer', 'stakeholder', 'direct_report', 'manager'])[1 + floor(random() * 5)::int] AS relation,
       ARRAY(SELECT CASE WHEN random() < p.filled THEN least(5, p.base + floor(random() * 3)::int) END::smallint FROM generate_series(1, p.items)) AS scores,
       (SELECT sum((random() < p.filled)::int << i)::int FROM generate_series(0, 4) i) AS texts, random() AS place
FROM (SELECT n AS person, 3 + (random() * 1.2)::int AS k, (random() * 16)::int AS authors, (random() * 8)::int AS items,
             (ARRAY[0.5, 0.8, 0.95, 1.0])[1 + floor(random() * 4)::int] AS filled, 1 + floor(random() * 5)::int AS base
      FROM generate_series(1, 1500) n) p, generate_series(1, p.authors) a;
CREATE TEMP VIEW cells AS
SELECT a.person, a.k, c.relation, c.is_anonymous, c.author_ids, c.scores, c.texts
FROM (SELECT person, k, forte_cells(author_id, relation, relation <> 'manager', 1, scores, texts, k) AS cells FROM answer GROUP BY person, k) a, unnest(a.cells) c;
CREATE TEMP TABLE cell AS SELECT * FROM cells;
SELECT cmp_ok((SELECT count(*) FROM cell WHERE is_anonymous), '>', 1000::bigint, 'there is something to test');
SELECT cmp_ok((SELECT count(*) FROM cell WHERE relation = 'colleagues'), '>', 100::bigint, 'colleagues too');
SELECT is_empty('SELECT * FROM cell WHERE is_anonymous AND cardinality(author_ids) < k', 'no cell of fewer than k');
SELECT is_empty('SELECT person, a FROM cell, unnest(author_ids) a GROUP BY 1, 2 HAVING count(*) > 1', 'nobody in two cells');
SELECT is_empty($$SELECT c.person FROM cell c CROSS JOIN LATERAL unnest(c.author_ids) x(author_id) JOIN answer a USING (person, author_id)
    WHERE c.is_anonymous AND ((a.texts & c.texts) <> c.texts
        OR EXISTS (SELECT FROM unnest(c.scores) WITH ORDINALITY s(score, i) WHERE s.score IS NOT NULL AND a.scores[s.i] IS NULL))$$,
    'every author of an anonymous cell answered all that is shown of it');
SELECT is_empty($$SELECT c.person FROM cell c CROSS JOIN LATERAL unnest(c.scores) WITH ORDINALITY s(score, i)
    CROSS JOIN LATERAL (SELECT round(2 * avg(a.scores[s.i])) / 2 AS mean FROM answer a WHERE a.person = c.person AND a.author_id = ANY (c.author_ids)) m
    WHERE s.score IS NOT NULL
      AND s.score <> CASE WHEN NOT c.is_anonymous OR m.mean <> floor(m.mean) THEN 2 * m.mean WHEN m.mean <= 2 THEN -1 WHEN m.mean >= 4 THEN -3 ELSE -2 END$$,
    'the figures are the means of the authors');
SELECT is_empty($$SELECT c.person FROM cell c CROSS JOIN LATERAL unnest(c.scores) WITH ORDINALITY s(score, i)
    JOIN answer a ON a.person = c.person AND a.author_id = ANY (c.author_ids)
    WHERE c.is_anonymous GROUP BY c.person, c.relation, s.i, s.score HAVING s.score > 0 AND count(DISTINCT a.scores[s.i]) = 1$$,
    'no mean of a unanimous group');
SELECT is_empty('SELECT * FROM cell WHERE cardinality(scores) <> 40', 'the length tells nothing');
SELECT is_empty($$SELECT person, relation FROM (SELECT person, relation, count(*) AS n, min(k) AS k FROM answer a
        WHERE relation <> 'manager' AND array_position(a.scores, NULL) IS NULL AND cardinality(a.scores) > 0 GROUP BY 1, 2) whole
    WHERE n >= k AND NOT EXISTS (SELECT FROM cell c WHERE c.person = whole.person AND c.relation = whole.relation)$$,
    'k complete answers of a relation are never lost');
-- one author less, and the others in another order
CREATE TEMP TABLE other_cell AS
SELECT a.person, c.relation, c.is_anonymous, c.author_ids, c.scores, c.texts
FROM (SELECT person, forte_cells(author_id, relation, relation <> 'manager', 1, scores, texts, k ORDER BY place) AS cells FROM answer GROUP BY person) a, unnest(a.cells) c;
SELECT set_eq('SELECT person, relation, author_ids, scores, texts FROM cell', 'SELECT person, relation, author_ids, scores, texts FROM other_cell', 'the order of the rows does not matter');
SELECT is_empty($$SELECT a.person FROM (SELECT person, k, forte_cells(author_id, relation, relation <> 'manager', 1, scores, texts, k) AS cells
        FROM answer WHERE author_id > 1 GROUP BY person, k) a, unnest(a.cells) c
    WHERE c.is_anonymous AND cardinality(c.author_ids) < a.k$$, 'nor with one author less');

-- The release --------------------------------------------------------------

CREATE TABLE heard (place int GENERATED ALWAYS AS IDENTITY, actor int, label text, answer text);
GRANT INSERT ON heard TO PUBLIC;
CREATE FUNCTION answer(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
    detail text;
BEGIN
    EXECUTE format('SELECT string_agg(r::text, E''\n'') FROM (%s
) r', statement) INTO result;
    RETURN coalesce(nullif(result, ''), 'none');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(E'\n', SQLSTATE || ' ' || SQLERRM, nullif(detail, ''));
END
$$;
CREATE FUNCTION as_person(actor int, role_name text, label text, statement text) RETURNS text LANGUAGE sql AS $$
    SELECT format('BEGIN; DO $do$ BEGIN PERFORM perfmgmt.act_as(%s); END $do$; SET LOCAL ROLE perfmgmt_%s;
                   INSERT INTO public.heard (actor, label, answer) VALUES (%L, %L, public.answer(%L)); COMMIT', actor, role_name, actor, label, statement)
$$;
CREATE FUNCTION heard(of_label text) RETURNS text LANGUAGE sql AS $$ SELECT h.answer FROM public.heard h WHERE h.label = of_label ORDER BY h.place DESC LIMIT 1 $$;
CREATE PROCEDURE rate(cycle_id int, subject_id int, authors int[], relation text, scores text, texts text DEFAULT '') LANGUAGE plpgsql AS $$
DECLARE
    a int;
    new_id int;
BEGIN
    FOREACH a IN ARRAY authors LOOP
        IF scores <> '' THEN
            INSERT INTO principle_rating (employee_id, review_cycle_id, rater_id, relation, scores, level_rank, manager_chain)
            SELECT subject_id, cycle_id, a, rate.relation, ARRAY(SELECT nullif(s, '-')::smallint FROM unnest(string_to_array(rate.scores, NULL)) s),
                   p.level_rank, p.manager_chain FROM participation p WHERE p.employee_id = subject_id AND p.review_cycle_id = cycle_id;
        END IF;
        IF texts <> '' THEN
            INSERT INTO feedback (employee_id, review_cycle_id, author_id, relation, manager_chain)
            SELECT subject_id, cycle_id, a, rate.relation, p.manager_chain
            FROM participation p WHERE p.employee_id = subject_id AND p.review_cycle_id = cycle_id RETURNING feedback_id INTO new_id;
            INSERT INTO feedback_item (employee_id, feedback_id, review_cycle_id, question, item_text, score, manager_chain)
            SELECT subject_id, new_id, cycle_id, q.question,
                   CASE WHEN t.mark IN ('t', 'b') THEN format('%s on %s of %s in %s', q.question, subject_id, a, cycle_id) END,
                   CASE WHEN t.mark = 's' THEN 2 + a % 3 WHEN t.mark = 'b' THEN 4 END, '{1}'
            FROM unnest(string_to_array(texts, NULL)) WITH ORDINALITY t(mark, n) JOIN question_positions() q ON q.question_position = t.n
            WHERE t.mark <> '-';
        END IF;
    END LOOP;
END
$$;
CREATE FUNCTION new_cycle(name text, from_date date, to_date date) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    id int := create_cycle(name, from_date, to_date, 2);
BEGIN
    PERFORM open_cycle(id);
    RETURN id;
END
$$;
CREATE PROCEDURE to_calibration(cycle_id int) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM advance_cycle(cycle_id);
    INSERT INTO assessment (employee_id, review_cycle_id, job_performance, potential, summary, source, assessed_by, manager_chain)
    SELECT p.employee_id, cycle_id, 3, 2, CASE WHEN p.employee_id <> 19 THEN 'Summary.' END, 'manager', p.manager_id, p.manager_chain
    FROM participation p JOIN eligibility e USING (eligibility) WHERE p.review_cycle_id = cycle_id AND e.is_rated AND p.employee_id <> 18;
    CALL rate(cycle_id, 19, '{19}', 'self', '3');
    CALL rate(cycle_id, 19, '{6}', 'manager', '3');
    PERFORM calibrate(cycle_id);
    PERFORM advance_cycle(cycle_id);
END
$$;

-- A: the first cycle. B overlaps it by half, C comes after both.
SELECT new_cycle('A', '2025-07-01', '2026-06-30') AS a \gset
CREATE TABLE rated (place int GENERATED ALWAYS AS IDENTITY, cycle text, subject_id int, authors int[], relation text, scores text, texts text DEFAULT '');
INSERT INTO rated (cycle, subject_id, authors, relation, scores, texts) VALUES
    -- all relations
    ('A', 8, '{8}', 'self', '4444', 't----'), ('A', 8, '{4}', 'manager', '5432', 'ttsss'),
    ('A', 8, '{9,10,11}', 'peer', '4343', 'bbsss'), ('A', 8, '{13,14}', 'stakeholder', '1111', 'ttttt'),
    -- k - 1; k with a draft that nobody submitted; 2k - 1; 2k; roll-up
    ('A', 9, '{8,10}', 'peer', '1111', 'ttttt'),
    ('A', 10, '{8,9,11}', 'peer', '4444', 'tt---'), ('A', 10, '{12}', 'peer', '4444', ''),
    ('A', 11, '{8,9,10,12,13}', 'peer', '4444', ''), ('A', 12, '{8,9,10,11,13,14}', 'peer', '4444', ''),
    ('A', 18, '{8}', 'peer', '4545', 't----'), ('A', 18, '{9}', 'stakeholder', '4545', 't----'), ('A', 18, '{10}', 'direct_report', '4445', 't----'),
    -- the same people, some of them, others
    ('A', 13, '{8,9,10}', 'peer', '4344', 't----'), ('B', 13, '{8,9,10,11}', 'peer', '4344', 't----'), ('C', 13, '{8,9,10,11}', 'peer', '4344', 't----'),
    ('A', 14, '{8,9,10}', 'peer', '4344', 't----'), ('B', 14, '{8,9,10}', 'peer', '4344', 't----'),
    ('A', 15, '{8,9,10}', 'peer', '4344', ''), ('B', 15, '{11,12,13}', 'peer', '4344', ''),
    ('A', 16, '{8,9,10,11,12,13}', 'peer', '4344', ''), ('B', 16, '{8,9,10}', 'peer', '4344', ''),
    ('A', 17, '{8,9,10,11,12,13}', 'peer', '4344', ''), ('B', 17, '{8,9,10,11}', 'peer', '4344', ''),
    ('A', 20, '{8,9,10}', 'peer', '4344', ''), ('B', 20, '{8,9,10}', 'peer', '4344', ''),
    ('A', 21, '{8,9,10}', 'peer', '4344', ''), ('B', 21, '{8,9,10}', 'stakeholder', '4344', ''), ('B', 21, '{11,12,13}', 'peer', '4344', ''),
    ('A', 22, '{8,9,10,11,12,13}', 'peer', '4344', ''), ('B', 22, '{8,9,10}', 'peer', '4344', ''), ('B', 22, '{11,12,14}', 'stakeholder', '4344', ''),
    ('A', 23, '{8,9,10}', 'peer', '4344', ''), ('B', 23, '{8,9}', 'peer', '4344', ''), ('B', 23, '{10,11}', 'stakeholder', '4344', '');
SELECT format('CALL rate(%s, %s, %L, %L, %L, %L)', :a, subject_id, authors, relation, scores, texts) FROM rated WHERE cycle = 'A' ORDER BY place \gexec
INSERT INTO feedback_draft (employee_id, review_cycle_id, subject_id, answers, principles)
VALUES (12, :a, 10, '{"strengths": {"text": "strengths on 10 of 12 in a draft"}}', '{}');
SELECT as_person(26, 'hr', 'Forte is open', format('SELECT release_forte(%s, %L)', :a, 'x')) \gexec
SELECT matches(heard('Forte is open'), '^PM004 the release is not possible while the cycle is forte_open', 'no release while people write');
CALL to_calibration(:a);
SELECT ok((SELECT forte_closes_on <= greatest(forte_opens_on, CURRENT_DATE) FROM review_cycle WHERE review_cycle_id = :a), 'to go on to the assessment closes Forte');
BEGIN;
UPDATE review_cycle SET forte_opens_on = CURRENT_DATE - 1, forte_closes_on = CURRENT_DATE + 1 WHERE review_cycle_id = :a;
DO $$ BEGIN PERFORM perfmgmt.act_as(26); END $$;
SELECT matches(answer(format('SELECT release_forte(%s, %L)', :a, 'x')), '^PM004 people may still write feedback', 'nor while a window that was opened again is open');
ROLLBACK;

-- the preview
SELECT as_person(26, 'hr', 'preview', format('SELECT p.employee_id, p.relation, p.raters, p.shown_as, p.answers, p.answers_shown, p.why FROM forte_release_preview(%s) p', :a)) \gexec
SELECT matches(heard('preview'), E'\\(9,peer,2,,18,0,"fewer than 3, also as colleagues"\\)', 'HR sees what will be left out, and why');
SELECT matches(heard('preview'), E'\\(18,peer,1,colleagues,5,5,"fewer than 3: joined with other relations"\\)', 'and what is joined');
SELECT matches(heard('preview'), E'\\(19,,,,,,"no label: the manager wrote no summary"\\)', 'and who gets no label');
SELECT as_person(4, 'hr', 'preview without office', format('SELECT * FROM forte_release_preview(%s)', :a)) \gexec
SELECT matches(heard('preview without office'), '^PM006', 'not without the appointment');
SELECT as_person(4, 'leader', 'preview of a leader', format('SELECT * FROM forte_release_preview(%s)', :a)) \gexec
SELECT matches(heard('preview of a leader'), '^42501', 'nor for leaders');

SELECT as_person(26, 'hr', 'release', format('SELECT release_forte(%s, %L)', :a, 'done')) \gexec
SELECT matches(heard('release'), '^\(\d+\)$', 'the release');
SELECT results_eq(format($$SELECT employee_id, relation, raters FROM perf.forte_score WHERE review_cycle_id = %s AND employee_id IN (8, 9, 10, 11, 12, 18) ORDER BY 1, 2$$, :a),
    $$VALUES (8, 'manager', 'one'), (8, 'peer', '3 to 5'), (8, 'self', 'one'), (10, 'peer', '3 to 5'), (11, 'peer', '3 to 5'), (12, 'peer', '6 or more'), (18, 'colleagues', '3 to 5')$$,
    'relations of k and more, colleagues; how many in words');
SELECT results_eq(format($$SELECT principle_scores, question_scores FROM perf.forte_score WHERE review_cycle_id = %s AND employee_id = 8 ORDER BY relation$$, :a),
    $$VALUES ('{10,8,6,4,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL}'::smallint[], '{NULL,NULL,6,6,6}'::smallint[]),
             ('{-3,-2,-3,-2,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL}', '{-3,-3,-2,-2,-2}'),
             ('{8,8,8,8,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL}', '{NULL,NULL,NULL,NULL,NULL}')$$,
    'scores of principles and questions by position');
SELECT results_eq(format($$SELECT employee_id, relation, question, count(*) FROM perf.forte_text WHERE review_cycle_id = %s AND employee_id IN (8, 9, 10, 18) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3$$, :a),
    $$VALUES (8, 'manager', 'growth', 1::bigint), (8, 'manager', 'strengths', 1), (8, 'peer', 'growth', 3), (8, 'peer', 'strengths', 3), (8, 'self', 'strengths', 1),
             (10, 'peer', 'growth', 3), (10, 'peer', 'strengths', 3), (18, 'colleagues', 'strengths', 3)$$, 'texts by question; no draft, nobody left out');
SELECT is_empty($$SELECT * FROM perf.forte_text WHERE item_text <> format('%s on %s of %s in %s', question, employee_id, (regexp_match(item_text, 'of (\d+) in'))[1], review_cycle_id)$$, 'each with its question and person');
SELECT is((SELECT array_agg(forte_text_id ORDER BY ctid) FROM forte_text), (SELECT array_agg(forte_text_id ORDER BY forte_text_id) FROM forte_text), 'on disk, texts lie in random order');
SELECT isnt((SELECT array_agg(employee_id ORDER BY ctid) FROM forte_score WHERE review_cycle_id = :a),
            (SELECT array_agg(employee_id ORDER BY employee_id) FROM forte_score WHERE review_cycle_id = :a), 'so do scores');
SELECT isnt((SELECT array_agg(employee_id ORDER BY ctid) FROM forte_label WHERE review_cycle_id = :a),
            (SELECT array_agg(employee_id ORDER BY employee_id) FROM forte_label WHERE review_cycle_id = :a), 'and labels');
SELECT isnt((SELECT array_agg(employee_id ORDER BY ctid) FROM forte_summary WHERE review_cycle_id = :a),
            (SELECT array_agg(employee_id ORDER BY employee_id) FROM forte_summary WHERE review_cycle_id = :a), 'and summaries');
SELECT is_empty($$SELECT * FROM perf.forte_score s JOIN perf.release_group g USING (employee_id, review_cycle_id, relation)
                  WHERE g.is_anonymous AND cardinality(g.author_ids) < 3$$, 'k or more behind each row');

-- once
CREATE TEMP TABLE before_again AS SELECT * FROM forte_score;
SELECT as_person(26, 'hr', 'again', format('SELECT release_forte(%s, %L)', :a, 'again')) \gexec
SELECT matches(heard('again'), '^PM004 cycle "A" was released before\nIt was released on [-0-9]+. Nothing was changed.$', 'a second release says so');
SELECT set_eq('SELECT * FROM perf.forte_score', 'SELECT * FROM before_again', 'and changes nothing');

-- what the person sees
SELECT as_person(8, 'employee', 'texts', $$SELECT DISTINCT relation, question_name FROM forte.my_feedback ORDER BY 1, 2$$) \gexec
SELECT is(heard('texts'), E'(manager,"Level up")\n(manager,Strengths)\n(peer,"Level up")\n(peer,Strengths)\n(self,Strengths)', 'my_feedback');
SELECT as_person(8, 'employee', 'principles', $$SELECT relation, principle_ordinal, mean_score, score_band, raters FROM forte.my_principles WHERE principle_ordinal < 3 AND cycle_name = 'A' ORDER BY 1, 2$$) \gexec
SELECT is(heard('principles'), E'(manager,1,5.0,high,one)\n(manager,2,4.0,high,one)\n(peer,1,,high,"3 to 5")\n(peer,2,,middle,"3 to 5")\n(self,1,4.0,high,one)\n(self,2,4.0,high,one)', 'my_principles');
SELECT as_person(8, 'employee', 'behaviours', $$SELECT relation, question_name, mean_score, score_band FROM forte.my_behaviours WHERE relation = 'peer' ORDER BY question_order$$) \gexec
SELECT is(heard('behaviours'), E'(peer,Strengths,,high)\n(peer,"Level up",,high)\n(peer,Communication,,middle)\n(peer,"Teamwork and collaboration",,middle)\n(peer,"Responsiveness under pressure",,middle)', 'my_behaviours');
SELECT as_person(8, 'employee', 'history', 'SELECT cycle_name, release_number, is_current FROM forte.my_history') \gexec
SELECT is(heard('history'), E'(2024,1,t)\n(A,1,t)', 'my_history');
SELECT as_person(8, r, 'group as ' || r, 'SELECT * FROM release_group') FROM unnest('{employee,leader,hr,auditor}'::text[]) r \gexec
SELECT matches(heard('group as ' || r), '^42501', 'who is behind it is closed to ' || r) FROM unnest('{employee,leader,hr,auditor}'::text[]) r;

-- suppressed and never there look the same: 9 has two raters, 24 has none
CREATE TABLE planned (actor int, line text, place int GENERATED ALWAYS AS IDENTITY);
GRANT INSERT ON planned TO PUBLIC;
CREATE FUNCTION plan_of(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (ANALYZE, BUFFERS OFF, TIMING OFF, SUMMARY OFF) ' || statement; END $$;
SELECT format('BEGIN; DO $do$ BEGIN PERFORM perfmgmt.act_as(%s); END $do$; SET LOCAL ROLE perfmgmt_employee;
               INSERT INTO public.planned (actor, line) SELECT %s, l FROM public.plan_of(%L) l; COMMIT', a, a, 'SELECT * FROM ' || v || ' WHERE relation <> ''self'' AND review_cycle_id = ' || :a)
FROM unnest('{9,24}'::int[]) a, unnest('{forte.my_principles,forte.my_behaviours,forte.my_feedback,perf.forte_text,perf.forte_score}'::text[]) v ORDER BY a, v \gexec
SELECT cmp_ok((SELECT count(*) FROM planned WHERE actor = 9), '>', 20::bigint, 'there are plans');
SELECT is((SELECT array_agg(line ORDER BY place) FROM planned WHERE actor = 9), (SELECT array_agg(line ORDER BY place) FROM planned WHERE actor = 24), 'the plan of suppressed rows is the plan of no rows');

-- overlapping cycles
DELETE FROM release_group WHERE employee_id = 20;
SELECT new_cycle('B', '2026-01-01', '2026-12-31') AS b, new_cycle('C', '2027-01-01', '2027-12-31') AS c \gset
SELECT format('CALL rate(%s, %s, %L, %L, %L, %L)', CASE cycle WHEN 'B' THEN :b ELSE :c END, subject_id, authors, relation, scores, texts)
FROM rated WHERE cycle IN ('B', 'C') ORDER BY place \gexec
CALL to_calibration(:b);
CALL to_calibration(:c);
SELECT as_person(26, 'hr', 'preview', format('SELECT p.employee_id, p.relation, p.shown_as, p.why FROM forte_release_preview(%s) p WHERE p.relation IS NOT NULL', :b)) \gexec
SELECT is(heard('preview'), (SELECT string_agg(format('(%s,%s,,"some of them, not all, stand behind an earlier release of the same time")', e, r), E'\n')
                             FROM (VALUES (13, 'peer'), (16, 'peer'), (17, 'peer'), (20, 'peer'), (22, 'peer'), (22, 'stakeholder'), (23, 'peer'), (23, 'stakeholder')) v(e, r)),
          'the preview names what an earlier release takes away');
SELECT as_person(26, 'hr', 'release', format('SELECT release_forte(%s, %L)', v.c, 'done')) FROM (VALUES (:b), (:c)) v(c) \gexec
SELECT results_eq(format($$SELECT employee_id, relation FROM perf.forte_score JOIN perf.release_group g USING (employee_id, review_cycle_id, relation)
                           WHERE review_cycle_id = %s AND g.is_anonymous ORDER BY 1, 2$$, :b),
    $$VALUES (14, 'peer'), (15, 'peer'), (21, 'peer'), (21, 'stakeholder')$$,
    'of an overlapping cycle: the same people, other people; not one more or less, a part, or people unknown');
SELECT results_eq('SELECT employee_id, review_cycle_id FROM perf.forte_text WHERE employee_id IN (13, 14) GROUP BY 1, 2 ORDER BY 1, 2',
    format('VALUES (13, %s), (13, %s), (14, %s), (14, %s)', :a, :c, :a, :b), 'texts too; a cycle of another time is free');
-- by the rows alone: authors in the same shown sets of overlapping cycles are k or more
SELECT is_empty(format($$SELECT employee_id, sets FROM (
        SELECT g.employee_id, a, array_agg((g.review_cycle_id, g.relation)::text ORDER BY g.review_cycle_id) AS sets
        FROM perf.release_group g, unnest(g.author_ids) a WHERE g.is_anonymous AND g.review_cycle_id IN (%s, %s) GROUP BY 1, 2) x
    GROUP BY 1, 2 HAVING count(*) < 3$$, :a, :b), 'no class of fewer than k in both together');

-- the links to authors can be destroyed
CREATE TEMP TABLE kept AS SELECT * FROM forte_text;
BEGIN;
DELETE FROM release_group;
DELETE FROM feedback_item;
DELETE FROM feedback;
DELETE FROM principle_rating WHERE review_cycle_id IN (:a, :b, :c);
SELECT set_eq('SELECT * FROM perf.forte_text', 'SELECT * FROM kept', 'the release stays when its authors are gone');
ROLLBACK;
SELECT is_empty($$SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid IN ('perf.forte_score'::regclass, 'perf.forte_text'::regclass)$$, 'nothing ties it to them');

-- k is raised, never lowered, while a cycle uses the policy
BEGIN;
SELECT lives_ok('UPDATE perf.anonymity_rule SET minimum_raters = 4 WHERE policy_id = 2', 'more raters may be asked for');
SELECT throws_ok('UPDATE perf.anonymity_rule SET minimum_raters = 3 WHERE policy_id = 2', 'PM002', NULL, 'fewer not');
SELECT throws_ok('UPDATE perf.anonymity_rule SET minimum_raters = 4 WHERE policy_id = 2', 'PM002', NULL, 'nor the same number again');
SELECT is_empty(format('SELECT * FROM perf.release_cells(%s) WHERE is_anonymous AND cardinality(author_ids) < 4', :a), 'the next release asks for them');
ROLLBACK;

-- Development goals --------------------------------------------------------

SELECT as_person(actor, role_name, label, format(statement, :a)) FROM (VALUES
    (8, 'employee', 'own goal', $$SELECT add_development_goal(8, %s, 'writing', 'a page a week', '2027-03-01')$$),
    (4, 'leader', 'goal of a manager', $$SELECT add_development_goal(8, %s, 'planning', 'lead the next one', '2027-04-01')$$),
    (13, 'employee', 'goal of a stranger', $$SELECT add_development_goal(8, %s, 'x', 'x', '2027-04-01')$$),
    (9, 'employee', 'goal about a manager', $$SELECT add_development_goal(4, %s, 'x', 'x', '2027-04-01')$$),
    (19, 'employee', 'goal without a result', $$SELECT add_development_goal(19, %s, 'x', 'x', '2027-04-01')$$),
    (8, 'employee', 'goals', 'SELECT growth_area, review_on, given_by_name, outcome FROM own_development_goals() -- %s'),
    (9, 'employee', 'goals of others', 'SELECT * FROM own_development_goals() -- %s'),
    (13, 'employee', 'close of a stranger', $$SELECT close_development_goal(1, 'done') -- %s$$),
    (8, 'employee', 'close', $$SELECT close_development_goal(2, 'led it') -- %s$$),
    (8, 'employee', 'close again', $$SELECT close_development_goal(2, 'led it') -- %s$$),
    (8, 'employee', 'close without outcome', $$SELECT close_development_goal(1, ' ') -- %s$$),
    (2, 'leader', 'seen from above', 'SELECT growth_area, outcome FROM development_goal ORDER BY 1 -- %s'),
    (8, 'employee', 'table', 'SELECT * FROM development_goal -- %s')) v(actor, role_name, label, statement) \gexec
SELECT is(heard('own goal'), '(1)', 'a person writes a goal');
SELECT is(heard('goal of a manager'), '(2)', 'so does the manager');
SELECT matches(heard(l), '^PM004 there is no released result', l) FROM unnest('{goal of a stranger,goal about a manager,goal without a result}'::text[]) l;
SELECT is(heard('goals'), E'(writing,2027-03-01,"Person 8",)\n(planning,2027-04-01,"Person 4",)', 'own_development_goals');
SELECT is(heard('goals of others'), 'none', 'shows own ones');
SELECT matches(heard(l), '^PM004 there is no open development goal', l) FROM unnest('{close of a stranger,close again}'::text[]) l;
SELECT matches(heard('close without outcome'), '^22004', 'a goal is closed with its outcome');
SELECT is(heard('seen from above'), E'(planning,"led it")\n(writing,)', 'leaders above see them');
SELECT matches(heard('table'), '^42501', 'an employee has no right to the table');
SELECT move_employee(8, 5) \g /dev/null
SELECT is((SELECT array_agg(DISTINCT manager_chain) FROM development_goal), ARRAY['{5,2,1}'::int[]], 'goals go with the person to a new manager');

SELECT * FROM finish();
