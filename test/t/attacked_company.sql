-- The company that is attacked. Whatever is somebody's carries a mark, "zq" and
-- the person's number. People: 7700001 the top; 7700002 manages, 7700003 did
-- until the first cycle was released; 7700010 is the victim, 7700011 to 7700019 peers
-- of one team, 7700020 left, 7700021 to 7700026 of another team, 7700030 and 7700031 HR, 7700032 auditor.
SET client_min_messages = warning;
CREATE EXTENSION perfmgmt;
CALL perfmgmt.install();
SET search_path = perf, perfmgmt, public;
INSERT INTO team VALUES (1, 'company', NULL), (2, 'one', 1), (3, 'other', 1);
INSERT INTO employee (employee_id, external_id, full_name, hired_on)
SELECT 7700000 + n, 'zqkey' || 7700000 + n, 'zqname' || 7700000 + n, '2020-01-01'
FROM unnest('{1,2,3,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,30,31,32}'::int[]) n;
SELECT setval('employee_employee_id_seq', 7700100);
INSERT INTO assignment (employee_id, manager_id, team_id, level_code, valid_during)
SELECT e.employee_id, CASE WHEN e.employee_id IN (7700002, 7700003) OR e.employee_id >= 7700030 THEN 7700001 WHEN e.employee_id >= 7700021 THEN 7700002 WHEN e.employee_id > 7700001 THEN 7700003 END,
       CASE WHEN e.employee_id < 7700010 OR e.employee_id >= 7700030 THEN 1 WHEN e.employee_id >= 7700021 THEN 3 ELSE 2 END, 'SDE I', '[2020-01-01,)'
FROM employee e;
SELECT appoint(7700030, 'hr', 'zqreason'), appoint(7700031, 'hr', 'zqreason');
CREATE FUNCTION public.as_person(person int, statement text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM perfmgmt.act_as(person);
    EXECUTE statement;
END
$$;
SELECT new_policy_version(1);
UPDATE policy SET minimum_pool_size = 1 WHERE policy_id = 2;
SELECT create_cycle('first', CURRENT_DATE - 800, CURRENT_DATE - 436, 2, CURRENT_DATE - 500, CURRENT_DATE - 400, CURRENT_DATE - 390);
UPDATE review_cycle SET forte_opens_on = CURRENT_DATE - 1, forte_closes_on = CURRENT_DATE + 1;
SELECT open_cycle(1);

-- Who writes about whom in the first cycle: peers 11 to 15 about the victim with
-- all, 16 and 17 as stakeholders with scores alone.
CREATE TABLE public.written (review_cycle_id int, subject_id int, author_id int, relation text, answers jsonb, principles jsonb);
INSERT INTO public.written
SELECT 1, s, a, CASE WHEN s = 7700010 AND a IN (7700016, 7700017) THEN 'stakeholder' ELSE 'peer' END,
       CASE WHEN s = 7700010 AND a IN (7700016, 7700017) THEN '{}' ELSE
       jsonb_build_object('strengths', jsonb_build_object('text', format('zqtext1s%s %s', s, md5(format('%s %s', s, a))), 'score', 1 + (a + s) % 5),
                          'growth', jsonb_build_object('text', format('zqtext1s%s %s', s, md5(format('grow %s %s', s, a))))) END,
       jsonb_build_object('Ownership', 1 + (a * 3 + s) % 5, 'Dive Deep', 1 + (a + s * 2) % 5)
FROM generate_series(7700010, 7700019) s, generate_series(7700011, 7700017) a
WHERE s <> a AND (s = 7700010 OR a <= 7700014)
UNION ALL
-- and about people who see what is written about others: a manager, by her direct reports and two more, and HR
SELECT 1, s, a, CASE WHEN s = 7700002 AND a >= 7700021 THEN 'direct_report' WHEN s = 7700002 THEN 'stakeholder' ELSE 'peer' END,
       jsonb_build_object('growth', jsonb_build_object('text', format('zqtext1s%s %s', s, md5(format('grow %s %s', s, a))), 'score', 1 + (a + s) % 5)),
       jsonb_build_object('Ownership', 1 + (a * 3 + s) % 5)
FROM (VALUES (7700002, '{7700021,7700022,7700023,7700024,7700017,7700018}'::int[]), (7700030, '{7700003,7700031,7700032,7700021}')) v(s, authors), unnest(authors) a;
