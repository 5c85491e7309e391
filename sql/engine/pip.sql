-- pip: the state machine of Focus and Pivot. src/pip.c

CREATE FUNCTION perfmgmt.pip_next(stage text, event text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_pip_next';
COMMENT ON FUNCTION perfmgmt.pip_next(text, text) IS
'The stage that an event leads to; stage "none" is before the first event. Errors: PM004 when the event is not possible in the stage, with the events that are in the hint; 22023 unknown stage.';

CREATE FUNCTION perfmgmt.pip_transitions()
RETURNS TABLE (from_stage text, event text, to_stage text, actor text, timer text)
LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 75
AS 'MODULE_PATHNAME', 'perfmgmt_pip_transitions';
COMMENT ON FUNCTION perfmgmt.pip_transitions() IS
'All transitions, those of any open stage written out: from, event, to, who takes the step ("a + b": one proposes, another one approves), and what runs from then on. NULL timer: none, or the one that ran goes on.';

CREATE FUNCTION perfmgmt.pip_stages()
RETURNS TABLE (stage text, stage_order int, is_open boolean, description text)
LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 18
AS 'MODULE_PATHNAME', 'perfmgmt_pip_stages';
COMMENT ON FUNCTION perfmgmt.pip_stages() IS
'The stages, open ones in the order of the path, then where it ends.';

CREATE FUNCTION perfmgmt.pip_diagram(format text DEFAULT 'mermaid') RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_pip_diagram';
COMMENT ON FUNCTION perfmgmt.pip_diagram(text) IS
'The transitions as a picture: "dot" for Graphviz, "mermaid". What any open stage allows is drawn once. Error 22023 for another format.';

CREATE FUNCTION perfmgmt.pip_today(time_zone text) RETURNS date
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perfmgmt_pip_today';
COMMENT ON FUNCTION perfmgmt.pip_today(text) IS
'The day in a time zone by the clock, whatever the session''s TimeZone and however long its transaction; or the day that a superuser set as perfmgmt.today, for rehearsals and tests.';

CREATE FUNCTION perfmgmt.pip_step(about_id int, event text,
    OUT pip_case_id int, OUT needs_two boolean, OUT event_number int)
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perfmgmt_pip_step';
COMMENT ON FUNCTION perfmgmt.pip_step(int, text) IS
'Whether the actor may take or propose this step about somebody now; the case, and whether a second person must approve. For perf.pip_advance(), with its rights. Errors: PM004 state, PM005 conflict, PM006 not the actor''s.';

CREATE FUNCTION perfmgmt.pip_event_write() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perfmgmt_pip_event_write';
COMMENT ON FUNCTION perfmgmt.pip_event_write() IS
'Trigger before each row of pip_event: checks actor, state, dates and ground of an event, fills in what follows from it, and refuses any later change.';

CREATE FUNCTION perfmgmt.pip_event_apply() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perfmgmt_pip_event_apply';
COMMENT ON FUNCTION perfmgmt.pip_event_apply() IS
'Trigger after each row of pip_event: brings the case to the stage.';

CREATE FUNCTION perfmgmt.pip_case_guard() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perfmgmt_pip_case_guard';
COMMENT ON FUNCTION perfmgmt.pip_case_guard() IS
'Trigger of pip_case: refuses every write that is not an event''s; manager_chain may follow the organisation.';
