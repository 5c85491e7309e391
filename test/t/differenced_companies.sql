-- A thousand random companies that share nothing but the database: each has a
-- policy with a k of its own, cycles, and people who write about each other. Person i
-- of company c is 100 c + i. A score and a text carry who gave them.
SET client_min_messages = warning;
CREATE EXTENSION perfmgmt;
CALL perfmgmt.install();
SET search_path = perf, perfmgmt, public;
SET session_replication_role = replica;
-- the ledger is tested elsewhere
SELECT format('ALTER TABLE %s DISABLE TRIGGER USER', c.oid::regclass) FROM pg_class c
WHERE c.relnamespace = 'perf'::regnamespace AND c.relname ~ '^(employee|review_cycle|principle_rating|feedback|feedback_item|forte_score|forte_text|release_group)$' \gexec
SET max_parallel_workers_per_gather = 0;
SET jit = off;
SELECT setseed(0.22) \g /dev/null

-- shape: who writes about whom; plan: how the periods of the cycles lie; a company
-- that is steady asks the same people each time, one that keeps its mind hears the same
CREATE TABLE public.company AS
SELECT c, (ARRAY[3, 3, 3, 3, 4, 5])[1 + floor(random() * 6)::int] AS k,
       (ARRAY['team', 'line', 'star', 'sparse', 'matrix'])[1 + floor(random() * 5)::int] AS shape,
       4 + floor(random() * random() * 14)::int AS people, 0.3 + random() * 0.7 AS density,
       (ARRAY[0.6, 0.85, 0.95, 1.0])[1 + floor(random() * 4)::int] AS filled,
       (ARRAY['one', 'apart', 'half', 'chain', 'nested', 'same'])[1 + floor(random() * 6)::int] AS plan,
       (ARRAY[0, 0.03, 0.1, 0.3])[1 + floor(random() * 4)::int] AS change, random() < 0.5 AS keeps_mind
FROM generate_series(1, :companies) c;
INSERT INTO policy SELECT (jsonb_populate_record(p, jsonb_build_object('policy_id', 1000 + c, 'policy_name', 'company ' || c))).* FROM policy p, public.company WHERE p.policy_id = 1;
INSERT INTO principle SELECT 1000 + c, p.ordinal, p.principle_name FROM principle p, public.company WHERE p.policy_id = 1 AND p.ordinal <= 4;
INSERT INTO anonymity_rule SELECT 1000 + c, k FROM public.company;
INSERT INTO employee (employee_id, external_id, full_name, hired_on)
SELECT 100 * c + i, format('E%s', 100 * c + i), format('Person %s', 100 * c + i), '2020-01-01' FROM public.company, generate_series(1, people) i;
INSERT INTO review_cycle (review_cycle_id, cycle_name, policy_id, status, period_start, period_end, too_new_after, forte_opens_on, forte_closes_on)
SELECT 10 * c + n, format('%s of %s', n, c), 1000 + c, 'calibration', f, f + days, f + days, f + days + 1, f + days + 2
FROM public.company,
     LATERAL (SELECT n, date '2022-01-01' + CASE plan WHEN 'apart' THEN n * 365 WHEN 'half' THEN n * 180 WHEN 'chain' THEN n * 300
                                                 WHEN 'nested' THEN CASE n WHEN 3 THEN 0 ELSE n * 90 END ELSE 0 END AS f,
                     CASE WHEN plan <> 'nested' THEN 364 WHEN n = 3 THEN 400 ELSE 80 END AS days
              FROM generate_series(1, CASE plan WHEN 'one' THEN 1 WHEN 'nested' THEN 3 WHEN 'chain' THEN 3 ELSE 2 END) n) v;

CREATE TABLE public.pair AS
SELECT c, i, j, random() < CASE WHEN shape = 'team' THEN 1.0 ELSE density END AS writes,
       CASE WHEN shape = 'line' AND j = 1 THEN 'manager' WHEN shape = 'line' AND i = 1 THEN 'direct_report'
            WHEN shape IN ('team', 'line') THEN 'peer'
            WHEN shape = 'matrix' THEN CASE WHEN j = i + 1 THEN 'direct_report' WHEN (i + j) % 2 = 0 THEN 'peer' ELSE 'stakeholder' END
            ELSE (ARRAY['peer', 'peer', 'stakeholder', 'direct_report'])[1 + floor(random() * 4)::int] END AS relation
FROM public.company, generate_series(1, people) i, generate_series(1, people) j
WHERE i <> j AND (shape <> 'star' OR i = 1);
CREATE TABLE public.author AS
SELECT p.c, 10 * p.c + n AS review_cycle_id, 100 * p.c + i AS employee_id, 100 * p.c + j AS author_id,
       CASE WHEN n > 1 AND relation IN ('peer', 'stakeholder') AND random() < change THEN (ARRAY['peer', 'stakeholder'])[1 + floor(random() * 2)::int] ELSE relation END AS relation
FROM public.pair p JOIN public.company USING (c) JOIN review_cycle r ON r.policy_id = 1000 + p.c CROSS JOIN LATERAL (SELECT r.review_cycle_id % 10 AS n) v
WHERE writes <> (n > 1 AND random() < change);

-- a mood makes scores alike, so that extremes happen: 1 to 5 all of one, 6 the ends, 7 anything
CREATE TABLE public.mood AS SELECT employee_id, 1 + floor(random() * 7)::int AS mood FROM employee;
CREATE TABLE public.said AS
SELECT a.*, item, least(5, greatest(1, CASE WHEN mood <= 5 THEN mood + (random() < 0.15)::int - (random() < 0.15)::int
                                            WHEN mood = 6 THEN 1 + 4 * (random() < 0.5)::int ELSE 1 + floor(random() * 5)::int END)) AS score
FROM public.author a JOIN public.company USING (c) JOIN public.mood USING (employee_id) CROSS JOIN generate_series(1, 6) item WHERE random() < filled;
ANALYZE public.said, public.company;
UPDATE public.said b SET score = a.score FROM public.said a JOIN public.company k USING (c)
WHERE k.keeps_mind AND a.review_cycle_id % 10 = 1 AND b.c = a.c AND b.review_cycle_id <> a.review_cycle_id
  AND (b.employee_id, b.author_id, b.item) = (a.employee_id, a.author_id, a.item);

INSERT INTO principle_rating (employee_id, review_cycle_id, rater_id, relation, scores, level_rank, manager_chain)
SELECT a.employee_id, a.review_cycle_id, a.author_id, a.relation,
       ARRAY[max(d.score) FILTER (WHERE item = 1), max(d.score) FILTER (WHERE item = 2), max(d.score) FILTER (WHERE item = 3), max(d.score) FILTER (WHERE item = 4)]::smallint[], 1, '{}'
FROM public.author a LEFT JOIN public.said d USING (review_cycle_id, employee_id, author_id) GROUP BY 1, 2, 3, 4;
INSERT INTO feedback (employee_id, review_cycle_id, author_id, relation, version, submitted_at, manager_chain)
SELECT employee_id, review_cycle_id, author_id, relation, 1, now(), '{}' FROM public.author;
INSERT INTO feedback_item (employee_id, feedback_id, review_cycle_id, question, item_text, score, manager_chain)
SELECT f.employee_id, f.feedback_id, f.review_cycle_id, q.question, CASE WHEN q.item = 0 THEN format('%s:%s', f.employee_id, f.author_id) END, d.score, '{}'
FROM feedback f CROSS JOIN (VALUES ('strengths', 0), ('growth', 0), ('communication', 5), ('teamwork', 6)) q(question, item)
LEFT JOIN public.said d ON (d.review_cycle_id, d.employee_id, d.author_id, d.item) = (f.review_cycle_id, f.employee_id, f.author_id, q.item)
WHERE CASE WHEN q.item = 0 THEN random() < 0.85 ELSE d.score IS NOT NULL END;
-- a release of one company looks at none of the others
CREATE INDEX ON principle_rating (review_cycle_id);
CREATE INDEX ON feedback (review_cycle_id);
CREATE INDEX ON feedback_item (review_cycle_id);
CREATE INDEX ON forte_score (review_cycle_id);
CREATE INDEX ON forte_text (review_cycle_id);
CREATE INDEX ON release_group (review_cycle_id);
CREATE INDEX ON public.author (review_cycle_id);
CREATE INDEX ON public.said (review_cycle_id, employee_id);
CREATE PROCEDURE public.release(companies int) LANGUAGE plpgsql SET search_path = perf, perfmgmt, public, pg_temp SET jit = off AS $$
DECLARE
    cycle int;
BEGIN
    FOR cycle IN SELECT review_cycle_id FROM review_cycle WHERE review_cycle_id < 10 * companies + 10 ORDER BY 1 LOOP
        PERFORM write_release_scores(cycle), write_release_texts(cycle);
        IF cycle % 500 < 2 THEN
            ANALYZE forte_score, release_group; -- their sizes
        END IF;
    END LOOP;
END
$$;
ANALYZE;
