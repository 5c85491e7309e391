-- identity: who is asking.

COMMENT ON SCHEMA perfmgmt IS 'The engine of perfmgmt: functions of the extension. The records are in perf.';
GRANT USAGE ON SCHEMA perfmgmt TO PUBLIC;

CREATE FUNCTION perfmgmt.act_as(employee_id int) RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perfmgmt_act_as';
COMMENT ON FUNCTION perfmgmt.act_as(int) IS
'Acts as this employee until the transaction or savepoint ends. Only for session users that are members of perfmgmt_app, only inside a transaction block, one person a transaction. Errors: 42501 not a member; 25P01 no transaction block; PM003 second person, unknown or left employee, open cursor WITH HOLD.';

CREATE FUNCTION perfmgmt.actor_id() RETURNS int
LANGUAGE c STABLE STRICT PARALLEL SAFE LEAKPROOF
AS 'MODULE_PATHNAME', 'perfmgmt_actor_id';
COMMENT ON FUNCTION perfmgmt.actor_id() IS
'The employee on whose behalf the transaction runs: set by act_as(), else the employee mapped to the session user in perf.login, else NULL, which sees nothing.';

CREATE FUNCTION perfmgmt.actor_sessions() RETURNS int[]
LANGUAGE c STABLE STRICT PARALLEL SAFE LEAKPROOF
AS 'MODULE_PATHNAME', 'perfmgmt_actor_sessions';
COMMENT ON FUNCTION perfmgmt.actor_sessions() IS
'The calibration sessions that the actor sees: those one takes part in, those of people who delegated to one, and all below; resolved once by act_as(); NULL without an actor.';

CREATE FUNCTION perfmgmt.actor_managers() RETURNS int[]
LANGUAGE c STABLE STRICT PARALLEL SAFE LEAKPROOF
AS 'MODULE_PATHNAME', 'perfmgmt_actor_managers';
COMMENT ON FUNCTION perfmgmt.actor_managers() IS
'Everybody above the actor, resolved once by act_as(); NULL without an actor.';

CREATE FUNCTION perfmgmt.has_appointment(appointment_kind text) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE LEAKPROOF
AS 'MODULE_PATHNAME', 'perfmgmt_has_appointment';
COMMENT ON FUNCTION perfmgmt.has_appointment(text) IS
'Whether the actor holds an appointment of this kind that is in force today; false without an actor.';

CREATE FUNCTION perfmgmt.require_appointment(appointment_kind text, owner_may boolean DEFAULT false) RETURNS int
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_require_appointment';
COMMENT ON FUNCTION perfmgmt.require_appointment(text, boolean) IS
'The actor''s employee_id when the appointment is in force; NULL for the owner of the records without an actor, where owner_may allows that. Error PM006 otherwise.';
