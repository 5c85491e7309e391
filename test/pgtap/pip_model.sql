-- Random events against a model of a few lines that shares nothing with the code.
-- First 100,000 sequences through perfmgmt.pip_next(): the same events are
-- possible, the same stage results. Then 60,000 events on real cases, by random
-- people on random days: the same are taken, the same are refused, the same stage
-- and pause result. Of dates the model reads those of the tables; test/pgtap/pip.sql
-- checks them.
SELECT * FROM no_plan() \g /dev/null
SET search_path = public, perf, perfmgmt, pg_temp;
SET client_min_messages = warning;
-- the same people go round again
DROP FUNCTION IF EXISTS perf.record_separation(int, text, date);

CREATE TABLE model_edge (stage text, event text, target text, who text, PRIMARY KEY (stage, event));
INSERT INTO model_edge
SELECT split_part(e, ' ', 1), split_part(e, ' ', 2), split_part(e, ' ', 3), split_part(e, ' ', 4)
FROM unnest('{none identify identified lh, identified enroll focus l+h, identified withdraw closed_withdrawn h, focus withdraw closed_withdrawn h,
    focus improve closed_improved l+h, focus extend focus h, focus escalate pivot_offered l+h, pivot_offered appeal_entry entry_appeal e,
    entry_appeal uphold closed_reinstated p, entry_appeal deny pivot_offered p, pivot_offered accept_severance leaving_tier1 e,
    leaving_tier1 revoke pivot_offered e, leaving_tier1 separate separated_tier1 h, pivot_offered choose_plan plan_active e,
    pivot_offered no_choice plan_active h+h, pivot_offered extend pivot_offered h, plan_active extend plan_active h, plan_active pass closed_passed l+h,
    plan_active fail plan_failed l+h, plan_failed accept_severance leaving_tier2 e, leaving_tier2 revoke plan_failed e,
    leaving_tier2 separate separated_tier2 h, plan_failed appeal appeal_pending e, plan_failed no_choice terminated h+h, plan_failed extend plan_failed h,
    appeal_pending uphold closed_reinstated p, appeal_pending deny terminated p, entry_appeal replace_panel entry_appeal h,
    appeal_pending replace_panel appeal_pending h}'::text[]) e;
INSERT INTO model_edge
SELECT s, split_part(a, ' ', 1), replace(split_part(a, ' ', 2), '=', s), split_part(a, ' ', 3)
FROM (SELECT DISTINCT stage FROM model_edge WHERE stage <> 'none') v(s),
     unnest('{withdraw closed_withdrawn h+h,resign closed_resigned eh,separate_other closed_separated h,pause = h,resume = h}'::text[]) a
ON CONFLICT DO NOTHING;
-- 64 chances a stage: every event, the possible ones oftener unless they end the case
CREATE TABLE model_event (stage text, chance int, event text, target text, who text, PRIMARY KEY (stage, chance));
INSERT INTO model_event
SELECT w.stage, c.chance, w.event, w.target, w.who
FROM generate_series(0, 63) AS c(chance)
JOIN (SELECT x.*, row_number() OVER (PARTITION BY x.stage ORDER BY x.event, copy) - 1 AS place, count(*) OVER (PARTITION BY x.stage) AS n
      FROM (SELECT s.stage, v.event, e.target, e.who, copy
            FROM (SELECT DISTINCT stage FROM model_edge) s CROSS JOIN (SELECT DISTINCT event FROM model_edge) v LEFT JOIN model_edge e USING (stage, event)
            CROSS JOIN LATERAL generate_series(1, CASE WHEN e.target IS NULL OR v.event IN ('resign', 'withdraw', 'separate_other') THEN 1 ELSE 4 END) copy) x) w
  ON w.place = c.chance % w.n;
SELECT is((SELECT count(DISTINCT (stage, event)) FROM model_event), (SELECT count(DISTINCT stage) * count(DISTINCT event) FROM model_edge), 'each event has a chance in each stage');

-- Sequences ------------------------------------------------------------------------

CREATE TABLE walked (sequences int, steps int, refused int, edges int, ends int, differ text[]);
CREATE PROCEDURE walk(sequences int) LANGUAGE plpgsql AS $$
DECLARE
    stages text[] := ARRAY(SELECT stage FROM model_edge UNION SELECT target FROM model_edge ORDER BY 1);
    events text[] := ARRAY(SELECT DISTINCT event FROM model_edge ORDER BY 1);
    n int := cardinality(events);
    -- by stage and event the stage that follows, by stage and chance an event
    target int[] := ARRAY(SELECT array_position(stages, m.target) FROM unnest(stages) WITH ORDINALITY s(stage, i) CROSS JOIN unnest(events) WITH ORDINALITY e(event, j)
                          LEFT JOIN model_edge m USING (stage, event) ORDER BY i, j);
    chance int[] := ARRAY(SELECT coalesce(array_position(events, m.event), 1 + c % n) FROM unnest(stages) WITH ORDINALITY s(stage, i) CROSS JOIN generate_series(0, 63) c
                          LEFT JOIN model_event m ON m.stage = s.stage AND m.chance = c ORDER BY i, c);
    first int := array_position(stages, 'none');
    here int;
    event int;
    next int;
    answer text;
    taken bool[] := array_fill(false, ARRAY[cardinality(target)]);
    ended bool[] := array_fill(false, ARRAY[cardinality(stages)]);
    steps int := 0;
    refused int := 0;
    differ text[] := '{}';
BEGIN
    FOR i IN 1..sequences LOOP
        here := first;
        answer := 'none';
        FOR step IN 1..40 LOOP
            event := chance[(here - 1) * 64 + 1 + floor(random() * 64)];
            next := target[(here - 1) * n + event];
            steps := steps + 1;
            BEGIN
                answer := perfmgmt.pip_next(answer, events[event]);
                IF answer IS DISTINCT FROM stages[next] THEN
                    differ := differ || format('%s in %s leads to %s', events[event], stages[here], answer);
                    EXIT;
                END IF;
                taken[(here - 1) * n + event] := true;
                here := next;
            EXCEPTION WHEN SQLSTATE 'PM004' THEN
                refused := refused + 1;
                IF next IS NOT NULL THEN
                    differ := differ || format('%s in %s is refused', events[event], stages[here]);
                    EXIT;
                END IF;
                -- a closed case stays closed
                IF stages[here] ~ '^(closed|separated|terminated)' THEN
                    ended[here] := true;
                    EXIT;
                END IF;
            END;
        END LOOP;
        EXIT WHEN cardinality(differ) > 0;
    END LOOP;
    INSERT INTO walked VALUES (sequences, steps, refused, (SELECT count(*) FROM unnest(taken) t WHERE t), (SELECT count(*) FROM unnest(ended) e WHERE e), differ);
END
$$;
SELECT setseed(0.25) \g /dev/null
CALL walk(100000);
SELECT is(sequences, 100000, format('random sequences: %s events, %s refused', steps, refused)) FROM walked;
SELECT is(differ, '{}', 'each event leads where the model says, or nowhere') FROM walked;
SELECT is(edges, (SELECT count(*)::int FROM model_edge), 'every transition was gone') FROM walked;
SELECT is(ends, 9, 'to every end') FROM walked;

-- Cases ----------------------------------------------------------------------------

-- a leader 6, HR 26 and 27, the person, a panel of one manager: 4, at the second appeal 5
INSERT INTO employee (employee_id, external_id, full_name, hired_on) SELECT n, 'M' || n, 'Person ' || n, '2020-01-01' FROM generate_series(201, 215) n;
INSERT INTO assignment (employee_id, manager_id, team_id, level_code, valid_during) SELECT n, 6, 3, 'SDE I', '[2020-01-01,)' FROM generate_series(201, 215) n;
BEGIN;
ALTER TABLE pip_rule DISABLE TRIGGER USER;
UPDATE pip_rule SET revocation_days = 5 WHERE policy_id = 2;
ALTER TABLE pip_rule ENABLE TRIGGER USER;
COMMIT;
CREATE TABLE model (person int PRIMARY KEY, stage text NOT NULL DEFAULT 'none', paused boolean NOT NULL DEFAULT false, entry_used boolean NOT NULL DEFAULT false,
                    limited date, planned boolean NOT NULL DEFAULT false);
INSERT INTO model SELECT n FROM generate_series(201, 215) n;
CREATE TABLE tally (attempts int, taken int, differ text[]);
INSERT INTO tally VALUES (0, 0, '{}');

-- the first working day from a day on, and n more
CREATE FUNCTION working_day(since date, n int) RETURNS date LANGUAGE sql STABLE AS $$
    SELECT since + i FROM generate_series(0, 30) i WHERE extract(isodow FROM since + i) < 6 AND since + i <> '2030-01-01' ORDER BY i OFFSET n LIMIT 1
$$;
CREATE FUNCTION model_takes(m model, e model_event, actor int, partner int, today date, due date, vote text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(CASE e.who
        WHEN 'lh' THEN actor IN (6, 26, 27) WHEN 'h' THEN actor IN (26, 27)
        WHEN 'l+h' THEN actor IN (26, 27) AND partner = 6 WHEN 'h+h' THEN actor IN (26, 27) AND partner = 53 - actor
        WHEN 'e' THEN actor = m.person WHEN 'eh' THEN actor IN (26, 27) OR actor = m.person
        WHEN 'p' THEN actor = CASE m.stage WHEN 'entry_appeal' THEN 4 ELSE 5 END AND vote = e.event END, false)
    AND (NOT m.paused OR e.event IN ('resume', 'resign', 'withdraw', 'separate_other'))
    AND (m.paused OR e.event <> 'resume')
    AND NOT (e.event = 'appeal_entry' AND m.entry_used)
    AND coalesce(CASE e.event WHEN 'revoke' THEN today < due WHEN 'separate' THEN today >= due WHEN 'no_choice' THEN today > due
                     WHEN 'fail' THEN m.planned
                     WHEN 'extend' THEN due < CASE m.stage WHEN 'plan_active' THEN m.limited WHEN 'focus' THEN working_day(today + 60, 0)
                         WHEN 'pivot_offered' THEN working_day((today + interval '1 month')::date, 0) ELSE working_day(today + 1, 2) END
                     ELSE e.who <> 'e' OR today <= due END, true)
$$;

CREATE PROCEDURE play(actor int, events int) LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    m model;
    e model_event;
    c pip_case;
    decision int;
    partner int;
    vote text;
    chosen int;
    person int;
    today date := current_setting('perfmgmt.today');
    predicted boolean;
    taken boolean;
    n_taken int := 0;
    differ text[] := '{}';
BEGIN
    PERFORM act_as(actor);
    FOR i IN 1..events LOOP
        person := CASE WHEN actor > 200 THEN actor ELSE 201 + floor(random() * 15) END;
        SELECT x.* INTO m FROM model x WHERE x.person = person;
        LOOP
            chosen := floor(random() * 64);
            SELECT x.* INTO e FROM model_event x WHERE x.stage = m.stage AND x.chance = chosen;
            -- else few cases would come far
            EXIT WHEN random() < CASE WHEN e.event IN ('resign', 'withdraw', 'separate_other', 'extend') THEN 0.03 WHEN e.event IN ('improve', 'pass') THEN 0.2 WHEN e.who = 'e' THEN 0.25 ELSE 1 END;
        END LOOP;
        SELECT x.* INTO c FROM pip_case x WHERE x.employee_id = m.person AND x.closed_on IS NULL;
        partner := CASE WHEN e.who LIKE '%+%' AND random() < 0.9 THEN CASE WHEN random() < 0.5 THEN 6 ELSE 26 + (random() < 0.5)::int END END;
        vote := CASE WHEN random() < 0.5 THEN 'uphold' ELSE 'deny' END;
        predicted := e.target IS NOT NULL AND model_takes(m, e, actor, partner, today, c.due_on, vote);
        BEGIN
            decision := NULL;
            IF partner IS NOT NULL THEN
                INSERT INTO decision (decision_kind, employee_id, target, reason, proposed_by, decided_by, decided_at, outcome)
                VALUES ('pip_step', m.person, jsonb_build_object('event', e.event, 'event_number', coalesce(c.events, 0) + 1), 'x', partner, actor, now(), 'approved')
                RETURNING decision_id INTO decision;
            END IF;
            IF e.who = 'p' AND actor = (CASE m.stage WHEN 'entry_appeal' THEN 4 ELSE 5 END) THEN
                INSERT INTO appeal_member SELECT a.employee_id, a.appeal_id, actor, today FROM appeal a
                WHERE a.employee_id = m.person AND a.pip_case_id = c.pip_case_id AND a.outcome = 'pending';
                INSERT INTO appeal_vote SELECT a.employee_id, a.appeal_id, actor, vote FROM appeal a
                WHERE a.employee_id = m.person AND a.pip_case_id = c.pip_case_id AND a.outcome = 'pending';
            END IF;
            INSERT INTO pip_event (employee_id, event, reason, decision_id) VALUES (m.person, e.event, 'x', decision);
            taken := true;
            -- most cases have a plan
            IF e.event = 'identify' AND random() < 0.9 THEN
                INSERT INTO pip_plan (employee_id, pip_case_id, plan_version, feasibility, plan_days, employee_section, written_by, written_on, approved_by, approved_on, manager_chain)
                SELECT x.employee_id, x.pip_case_id, 1, 'x', 60, 'x', 6, today, 26, today, x.manager_chain
                FROM pip_case x WHERE x.employee_id = m.person AND x.closed_on IS NULL;
            END IF;
        EXCEPTION WHEN OTHERS THEN
            taken := false;
        END;
        IF taken AND predicted THEN
            n_taken := n_taken + 1;
            UPDATE model x SET stage = e.target, paused = e.event = 'pause', entry_used = x.entry_used OR e.event = 'appeal_entry',
                limited = (SELECT y.plan_ends_by FROM pip_case y WHERE y.employee_id = m.person AND y.closed_on IS NULL),
                planned = EXISTS (SELECT FROM pip_plan y JOIN pip_case z USING (pip_case_id) WHERE z.employee_id = m.person AND z.closed_on IS NULL)
            WHERE x.person = m.person;
            IF e.target ~ '^(closed|separated|terminated)' THEN
                UPDATE model x SET stage = 'none', paused = false, entry_used = false, limited = NULL, planned = false WHERE x.person = m.person;
            END IF;
        ELSIF taken <> predicted THEN
            differ := differ || format('%s by %s with %s in %s (paused %s) on %s, due %s: %s', e.event, actor, partner, m.stage, m.paused, today, c.due_on,
                                       CASE WHEN taken THEN 'taken' ELSE 'refused' END);
            EXIT;
        END IF;
    END LOOP;
    UPDATE tally t SET attempts = t.attempts + events, taken = t.taken + n_taken, differ = t.differ || differ;
END
$$;

-- what the ledger costs is not the subject here
SELECT format('ALTER TABLE perf.%I DISABLE TRIGGER %I', c.relname, t.tgname) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE t.tgname LIKE 'audit\_%' AND c.relname ~ '^(pip_|decision$|appeal|severance|forte_plan)' \gexec
VACUUM ANALYZE pip_case, pip_event, pip_rule, employee;
SELECT setseed(0.7) \g /dev/null
SELECT format('BEGIN; SET LOCAL perfmgmt.today = %L; CALL play(%s, %s); COMMIT',
              date '2026-01-05' + n, CASE WHEN r < 0.2 THEN 26 WHEN r < 0.4 THEN 27 WHEN r < 0.45 THEN 6 WHEN r < 0.52 THEN 4 WHEN r < 0.59 THEN 5
                                      WHEN r < 0.6 THEN 20 ELSE 201 + floor(random() * 15)::int END, 50)
FROM (SELECT n, random() AS r FROM generate_series(1, 1200) n OFFSET 0) x \gexec
SELECT is(attempts, 60000, 'random events on cases') FROM tally;
SELECT is(differ, '{}', 'each is taken or refused as the model says') FROM tally;
SELECT cmp_ok(taken, '>', 2500, 'enough of them are taken') FROM tally;
SELECT is_empty($$SELECT stage, event, target FROM model_edge WHERE event NOT IN ('resign', 'withdraw', 'separate_other')
                  EXCEPT SELECT from_stage, event, to_stage FROM perf.pip_event WHERE employee_id > 200$$, 'each transition was gone');
SELECT is_empty($$VALUES ('resign'), ('withdraw'), ('separate_other') EXCEPT SELECT event FROM perf.pip_event WHERE employee_id > 200$$, 'and those of any stage somewhere');
SELECT is_empty($$SELECT m.person, m.stage, c.stage FROM model m LEFT JOIN perf.pip_case c ON c.employee_id = m.person AND c.closed_on IS NULL
                  WHERE (m.stage, m.paused) IS DISTINCT FROM (coalesce(c.stage, 'none'), coalesce(c.is_paused, false))$$, 'model and cases end in the same stages');
SELECT is_empty('SELECT * FROM perf.pip_mismatches()', 'the fold of the events is the stage of each case');
SELECT is_empty($$SELECT employee_id FROM perf.pip_case WHERE closed_on IS NULL GROUP BY employee_id HAVING count(*) > 1$$, 'nobody has two open cases');
SELECT is_empty($$SELECT v.* FROM perf.pip_event v JOIN model_edge e ON (e.stage, e.event) = (v.from_stage, v.event)
                  WHERE v.employee_id > 200 AND (v.decided_by IS NULL OR (e.who LIKE '%+%') <> (v.proposed_by IS NOT NULL) OR v.proposed_by = v.decided_by)$$,
                'each step has its named people');

SELECT * FROM finish();
