/*
 * pip.c
 *		From Focus to Pivot and out: the state machine.
 *
 * The table below is its only source.  pip_next(), pip_transitions() and
 * pip_diagram() read it, and so do the triggers: a client writes an event, the
 * trigger before it asks the table, says who may and until when, and fills in
 * the rest; the trigger after it brings the case there.  Nothing else writes a
 * case.
 *
 * The triggers fire always, in a replica session too, and as whoever writes:
 * that is a privileged routine of the records, or a superuser.
 */
#include "perfmgmt.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "replication/logicalworker.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#define ENGINE_ROLE "perfmgmt_engine"
#define LEDGER_ROLE "perfmgmt_ledger"
#define RECORDS_SCHEMA "perf"

/*
 * Who takes a step.  Two names: one proposes, another one approves.
 */
typedef enum PipActor
{
	LEADER_OR_HR,
	LEADER_AND_HR,
	HR,
	HR_AND_HR,
	EMPLOYEE,
	EMPLOYEE_OR_HR,
	PANEL
} PipActor;

static const char *const actor_names[] = {
	"leader or hr", "leader + hr", "hr", "hr + hr", "employee", "employee or hr", "panel"
};

/* What runs from a step on */
typedef enum PipTimer
{
	NO_TIMER,
	KEEP_TIMER,					/* the one that ran */
	REVIEW,
	CHOICE,
	FINAL_CHOICE,
	PANEL_DUE,
	REVOCATION,
	PLAN_END
} PipTimer;

static const char *const timer_names[] = {
	NULL, NULL, "review", "choice", "final choice", "panel", "revocation", "plan end"
};

typedef struct PipStage
{
	const char *stage;
	bool		is_open;
	const char *description;
} PipStage;

/* Open ones in the order of the path, then where it ends */
static const PipStage stages[] = {
	{"identified", true, "somebody was named; nothing has begun"},
	{"focus", true, "coaching, known to the leaders and HR"},
	{"pivot_offered", true, "the employee chooses: leave with the first offer, or a plan"},
	{"entry_appeal", true, "a panel looks at whether Pivot should have been offered"},
	{"leaving_tier1", true, "the first offer is accepted"},
	{"plan_active", true, "the plan runs"},
	{"plan_failed", true, "the employee chooses: leave with the second offer, or appeal"},
	{"leaving_tier2", true, "the second offer is accepted"},
	{"appeal_pending", true, "a panel looks at the outcome of the plan"},
	{"closed_withdrawn", false, "taken back"},
	{"closed_improved", false, "improved in Focus"},
	{"closed_reinstated", false, "an appeal was upheld"},
	{"closed_passed", false, "the plan was passed"},
	{"closed_resigned", false, "resigned"},
	{"closed_separated", false, "ended for another cause"},
	{"separated_tier1", false, "left with the first offer"},
	{"separated_tier2", false, "left with the second offer"},
	{"terminated", false, "dismissed, with the minimal offer"},
};

typedef struct PipTransition
{
	const char *from;
	const char *event;
	const char *to;				/* NULL: stays */
	PipActor	actor;
	PipTimer	timer;
} PipTransition;

static const PipTransition transitions[] = {
	{"none", "identify", "identified", LEADER_OR_HR, NO_TIMER},
	{"identified", "enroll", "focus", LEADER_AND_HR, REVIEW},
	{"identified", "withdraw", "closed_withdrawn", HR, NO_TIMER},
	{"focus", "withdraw", "closed_withdrawn", HR, NO_TIMER},
	{"focus", "improve", "closed_improved", LEADER_AND_HR, NO_TIMER},
	{"focus", "extend", "focus", HR, REVIEW},
	{"focus", "escalate", "pivot_offered", LEADER_AND_HR, CHOICE},
	{"pivot_offered", "appeal_entry", "entry_appeal", EMPLOYEE, PANEL_DUE},
	{"entry_appeal", "uphold", "closed_reinstated", PANEL, NO_TIMER},
	{"entry_appeal", "deny", "pivot_offered", PANEL, CHOICE},
	{"pivot_offered", "accept_severance", "leaving_tier1", EMPLOYEE, REVOCATION},
	{"leaving_tier1", "revoke", "pivot_offered", EMPLOYEE, KEEP_TIMER},
	{"leaving_tier1", "separate", "separated_tier1", HR, NO_TIMER},
	{"pivot_offered", "choose_plan", "plan_active", EMPLOYEE, PLAN_END},
	{"pivot_offered", "no_choice", "plan_active", HR_AND_HR, PLAN_END},
	{"pivot_offered", "extend", "pivot_offered", HR, CHOICE},
	{"plan_active", "extend", "plan_active", HR, PLAN_END},
	{"plan_active", "pass", "closed_passed", LEADER_AND_HR, NO_TIMER},
	{"plan_active", "fail", "plan_failed", LEADER_AND_HR, FINAL_CHOICE},
	{"plan_failed", "accept_severance", "leaving_tier2", EMPLOYEE, REVOCATION},
	{"leaving_tier2", "revoke", "plan_failed", EMPLOYEE, KEEP_TIMER},
	{"leaving_tier2", "separate", "separated_tier2", HR, NO_TIMER},
	{"plan_failed", "appeal", "appeal_pending", EMPLOYEE, PANEL_DUE},
	{"plan_failed", "no_choice", "terminated", HR_AND_HR, NO_TIMER},
	{"plan_failed", "extend", "plan_failed", HR, FINAL_CHOICE},
	{"appeal_pending", "uphold", "closed_reinstated", PANEL, NO_TIMER},
	{"appeal_pending", "deny", "terminated", PANEL, NO_TIMER},
	{"entry_appeal", "replace_panel", NULL, HR, KEEP_TIMER},
	{"appeal_pending", "replace_panel", NULL, HR, KEEP_TIMER},
};

/* In any open stage that does not say otherwise above */
static const PipTransition anywhere[] = {
	{NULL, "withdraw", "closed_withdrawn", HR_AND_HR, NO_TIMER},
	{NULL, "resign", "closed_resigned", EMPLOYEE_OR_HR, NO_TIMER},
	{NULL, "separate_other", "closed_separated", HR, NO_TIMER},
	{NULL, "pause", NULL, HR, KEEP_TIMER},
	{NULL, "resume", NULL, HR, KEEP_TIMER},
};

PG_FUNCTION_INFO_V1(perfmgmt_pip_next);
PG_FUNCTION_INFO_V1(perfmgmt_pip_transitions);
PG_FUNCTION_INFO_V1(perfmgmt_pip_stages);
PG_FUNCTION_INFO_V1(perfmgmt_pip_diagram);
PG_FUNCTION_INFO_V1(perfmgmt_pip_today);
PG_FUNCTION_INFO_V1(perfmgmt_pip_step);
PG_FUNCTION_INFO_V1(perfmgmt_pip_event_write);
PG_FUNCTION_INFO_V1(perfmgmt_pip_event_apply);
PG_FUNCTION_INFO_V1(perfmgmt_pip_case_guard);

static bool
Same(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* ---------------------------------------------------------------------
 * The table
 * ---------------------------------------------------------------------
 */
static const PipStage *
FindStage(const char *stage)
{
	int			i;

	for (i = 0; i < lengthof(stages); i++)
		if (Same(stages[i].stage, stage))
			return &stages[i];
	return NULL;
}

static bool
IsOpen(const char *stage)
{
	const PipStage *found = FindStage(stage);

	return found && found->is_open;
}

/* The transition without regard to anywhere[] */
static const PipTransition *
FindOwnTransition(const char *stage, const char *event)
{
	int			i;

	for (i = 0; i < lengthof(transitions); i++)
		if (Same(transitions[i].from, stage) && Same(transitions[i].event, event))
			return &transitions[i];
	return NULL;
}

static const PipTransition *
FindTransition(const char *stage, const char *event)
{
	const PipTransition *own = FindOwnTransition(stage, event);
	int			i;

	if (own || !IsOpen(stage))
		return own;
	for (i = 0; i < lengthof(anywhere); i++)
		if (Same(anywhere[i].event, event))
			return &anywhere[i];
	return NULL;
}

/* Where a transition leads from this stage */
static const char *
TargetOf(const PipTransition *transition, const char *stage)
{
	return transition->to ? transition->to : stage;
}

/*
 * Calls back for each transition out of a stage, those of anywhere[] included.
 */
typedef void (*TransitionCallback) (const char *stage, const PipTransition *transition, void *arg);

static void
ForEachTransition(const char *stage, TransitionCallback callback, void *arg)
{
	int			i;

	for (i = 0; i < lengthof(transitions); i++)
		if (Same(transitions[i].from, stage))
			callback(stage, &transitions[i], arg);
	for (i = 0; IsOpen(stage) && i < lengthof(anywhere); i++)
		if (FindOwnTransition(stage, anywhere[i].event) == NULL)
			callback(stage, &anywhere[i], arg);
}

static void
AppendEvent(const char *stage, const PipTransition *transition, void *arg)
{
	StringInfo	events = (StringInfo) arg;

	appendStringInfo(events, "%s%s", events->len > 0 ? ", " : "", transition->event);
}

static char *
LegalEvents(const char *stage)
{
	StringInfoData events;

	initStringInfo(&events);
	ForEachTransition(stage, AppendEvent, &events);
	return events.data;
}

static void
CheckStage(const char *stage)
{
	if (!Same(stage, "none") && FindStage(stage) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown stage \"%s\"", stage),
				 errhint("perfmgmt.pip_stages() lists the stages; \"none\" is before the first event.")));
}

static const PipTransition *
RequireTransition(const char *stage, const char *event)
{
	const PipTransition *found = FindTransition(stage, event);

	if (found == NULL)
	{
		char	   *legal = LegalEvents(stage);

		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_WRONG_STATE),
				 errmsg("event \"%s\" is not possible in stage \"%s\"", event, stage),
				 *legal ? errhint("Possible are: %s.", legal) :
				 errhint("The case is closed: nothing leads out of this stage.")));
	}
	return found;
}

Datum
perfmgmt_pip_next(PG_FUNCTION_ARGS)
{
	char	   *stage = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *event = text_to_cstring(PG_GETARG_TEXT_PP(1));

	CheckStage(stage);
	PG_RETURN_TEXT_P(cstring_to_text(TargetOf(RequireTransition(stage, event), stage)));
}

static void
PutTransition(const char *stage, const PipTransition *transition, void *arg)
{
	ReturnSetInfo *result = (ReturnSetInfo *) arg;
	const char *timer = timer_names[transition->timer];
	Datum		values[5] = {
		CStringGetTextDatum(stage),
		CStringGetTextDatum(transition->event),
		CStringGetTextDatum(TargetOf(transition, stage)),
		CStringGetTextDatum(actor_names[transition->actor]),
		timer ? CStringGetTextDatum(timer) : (Datum) 0
	};
	bool		nulls[5] = {false, false, false, false, timer == NULL};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
perfmgmt_pip_transitions(PG_FUNCTION_ARGS)
{
	int			i;

	InitMaterializedSRF(fcinfo, 0);
	ForEachTransition("none", PutTransition, fcinfo->resultinfo);
	for (i = 0; i < lengthof(stages); i++)
		ForEachTransition(stages[i].stage, PutTransition, fcinfo->resultinfo);
	return (Datum) 0;
}

Datum
perfmgmt_pip_stages(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int			i;

	InitMaterializedSRF(fcinfo, 0);
	for (i = 0; i < lengthof(stages); i++)
	{
		Datum		values[4] = {
			CStringGetTextDatum(stages[i].stage),
			Int32GetDatum(i + 1),
			BoolGetDatum(stages[i].is_open),
			CStringGetTextDatum(stages[i].description)
		};
		bool		nulls[4] = {false, false, false, false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * Pictures.  What any open stage allows is drawn once.
 */
static void
AppendEdge(StringInfo out, bool dot, const char *from, const PipTransition *transition)
{
	const char *to = TargetOf(transition, from);

	if (dot)
		appendStringInfo(out, "    %s -> %s [label=\"%s\\n%s\"];\n",
						 from, to, transition->event, actor_names[transition->actor]);
	else
		appendStringInfo(out, "    %s --> %s: %s (%s)\n",
						 Same(from, "none") ? "[*]" : from, to,
						 transition->event, actor_names[transition->actor]);
}

Datum
perfmgmt_pip_diagram(PG_FUNCTION_ARGS)
{
	char	   *format = text_to_cstring(PG_GETARG_TEXT_PP(0));
	bool		dot = Same(format, "dot");
	StringInfoData out;
	int			i;

	if (!dot && !Same(format, "mermaid"))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown format \"%s\"", format),
				 errhint("One of: dot, mermaid.")));

	initStringInfo(&out);
	appendStringInfoString(&out, dot ? "digraph pip {\n    rankdir=TB;\n    node [shape=box];\n    none [shape=point];\n" :
						   "stateDiagram-v2\n");
	for (i = 0; i < lengthof(transitions); i++)
		AppendEdge(&out, dot, transitions[i].from, &transitions[i]);
	for (i = 0; i < lengthof(anywhere); i++)
		AppendEdge(&out, dot, "any_open_stage", &anywhere[i]);
	for (i = 0; !dot && i < lengthof(stages); i++)
		if (!stages[i].is_open)
			appendStringInfo(&out, "    %s --> [*]\n", stages[i].stage);
	if (dot)
		appendStringInfoString(&out, "}\n");
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

/* ---------------------------------------------------------------------
 * Days
 * ---------------------------------------------------------------------
 */
static char *rehearsal_today = NULL;

static bool
CheckToday(char **newval, void **extra, GucSource source)
{
	int			year,
				month,
				day;
	char		rest;

	if (*newval == NULL || **newval == '\0')
		return true;
	if (sscanf(*newval, "%4d-%2d-%2d%c", &year, &month, &day, &rest) == 3 && strlen(*newval) == 10)
		return true;
	GUC_check_errdetail("A day is written as YYYY-MM-DD.");
	return false;
}

void
PipInit(void)
{
	DefineCustomStringVariable("perfmgmt.today",
							   "The day that PIP events are written on, for rehearsals and tests.",
							   "Empty: the day of the clock. Each event notes the time of the clock as well.",
							   &rehearsal_today, "", PGC_SUSET, GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE,
							   CheckToday, NULL, NULL);
}

/*
 * The day of the company: by the clock and a time zone of the policy, so that
 * neither the session's TimeZone nor a transaction held open moves a deadline.
 */
static DateADT
TodayIn(text *zone)
{
	Datum		local;

	if (rehearsal_today && *rehearsal_today)
		return DatumGetDateADT(DirectFunctionCall1(date_in, CStringGetDatum(rehearsal_today)));
	local = DirectFunctionCall2(timestamptz_zone, PointerGetDatum(zone),
								TimestampTzGetDatum(GetCurrentTimestamp()));
	return DatumGetDateADT(DirectFunctionCall1(timestamp_date, local));
}

Datum
perfmgmt_pip_today(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATEADT(TodayIn(PG_GETARG_TEXT_PP(0)));
}

static DateADT
AddMonths(DateADT day, int months)
{
	Interval	interval = {0, 0, months};
	Datum		moved = DirectFunctionCall2(date_pl_interval, DateADTGetDatum(day),
											IntervalPGetDatum(&interval));

	return DatumGetDateADT(DirectFunctionCall1(timestamp_date, moved));
}

static char *
DayName(DateADT day)
{
	return DatumGetCString(DirectFunctionCall1(date_out, DateADTGetDatum(day)));
}

/* ---------------------------------------------------------------------
 * What a step knows
 * ---------------------------------------------------------------------
 */
typedef struct PipStep
{
	int32		subject;
	int32		actor;
	const char *event;
	bool		has_reason;
	int32		decision;		/* 0: none */
	int32		named_case;		/* 0: the open one */
	bool		asks_due;
	DateADT		asked_due;

	/* the person and the case, as found */
	bool		found;
	int32		case_id;		/* 0: no open case */
	const char *stage;
	bool		is_paused;
	DateADT		paused_on;
	int			events;
	bool		has_due;
	DateADT		due_on;
	bool		has_choice;
	DateADT		choice_due_on;
	bool		has_plan_limit;
	DateADT		plan_ends_by;
	bool		is_informed;
	bool		has_left;		/* the person, not the case */
	Datum		chain;
	int32		policy;
	DateADT		today;

	/* the actor beside the person */
	bool		is_leader;
	bool		is_below;
	bool		is_panel;
	bool		is_hr;

	/* the rule */
	int			review_days;
	int			choice_months;
	int			choice_business_days;
	int			final_choice_business_days;
	int			plan_days;
	int			plan_days_most;
	int			revocation_days;
	int			panel_business_days;
	bool		entry_appeal;

	const PipTransition *transition;
	int32		proposed_by;	/* 0: nobody */
} PipStep;

#define STATE_QUERY \
	"SELECT c.pip_case_id, c.stage, c.is_paused, c.paused_on, c.events, c.due_on, c.choice_due_on, c.plan_ends_by," \
	" c.employee_informed_on IS NOT NULL, e.manager_chain, r.policy_id, r.time_zone," \
	" e.manager_chain @> ARRAY[$2]," \
	" EXISTS (SELECT FROM perf.employee a WHERE a.employee_id = $2 AND a.manager_chain @> ARRAY[$1])," \
	" EXISTS (SELECT FROM perf.appeal l JOIN perf.appeal_member m ON m.employee_id = l.employee_id AND m.appeal_id = l.appeal_id" \
	"         WHERE l.employee_id = $1 AND l.pip_case_id = c.pip_case_id AND l.outcome = 'pending'" \
	"           AND m.member_id = $2 AND m.replaced_on IS NULL)," \
	" r.review_days, r.choice_months, r.choice_business_days, r.final_choice_business_days," \
	" coalesce((SELECT n.plan_days FROM perf.pip_plan n WHERE n.employee_id = $1 AND n.pip_case_id = c.pip_case_id" \
	"           AND n.approved_on IS NOT NULL ORDER BY n.plan_version DESC LIMIT 1), r.plan_days)," \
	" r.plan_days_most, r.revocation_days, r.panel_business_days, r.entry_appeal_allowed, e.left_on" \
	" FROM perf.employee e" \
	" LEFT JOIN perf.pip_case c ON c.employee_id = e.employee_id AND c.closed_on IS NULL" \
	" JOIN perf.pip_rule r ON r.policy_id = coalesce(c.policy_id, perf.pip_policy_id())" \
	" WHERE e.employee_id = $1"

static Datum
Column(int number, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, number, isnull);
}

static int32
IntColumn(int number)
{
	bool		isnull;
	Datum		value = Column(number, &isnull);

	return isnull ? 0 : DatumGetInt32(value);
}

static bool
BoolColumn(int number)
{
	bool		isnull;
	Datum		value = Column(number, &isnull);

	return !isnull && DatumGetBool(value);
}

static bool
DateColumn(int number, DateADT *day)
{
	bool		isnull;
	Datum		value = Column(number, &isnull);

	if (!isnull)
		*day = DatumGetDateADT(value);
	return !isnull;
}

/*
 * Runs a statement over the case, prepared once a session.  Up to three
 * integers are its arguments.
 */
static void
RunQuery(SPIPlanPtr *plan, const char *source, int expected, int32 a, int32 b, int32 c)
{
	Oid			types[3] = {INT4OID, INT4OID, INT4OID};
	Datum		values[3] = {Int32GetDatum(a), Int32GetDatum(b), Int32GetDatum(c)};
	int			arguments = strstr(source, "$3") ? 3 : strstr(source, "$2") ? 2 : 1;
	int			status;

	if (*plan == NULL)
	{
		SPIPlanPtr	prepared = SPI_prepare(source, arguments, types);

		if (prepared == NULL || SPI_keepplan(prepared) != 0)
			elog(ERROR, "could not prepare \"%s\"", source);
		*plan = prepared;
	}
	status = SPI_execute_plan(*plan, values, NULL, false, 0);
	if (status != expected)
		elog(ERROR, "could not run \"%s\": %s", source, SPI_result_code_string(status));
}

/* One transaction at a time works on a person's case. */
static void
LockCase(PipStep *step)
{
	static SPIPlanPtr lock_plan = NULL;
	static SPIPlanPtr row_plan = NULL;

	RunQuery(&lock_plan, "SELECT pg_advisory_xact_lock('perf.pip_case'::regclass::oid::int, $1)",
		  SPI_OK_SELECT, step->subject, 0, 0);
	RunQuery(&row_plan, "SELECT 1 FROM perf.pip_case c WHERE c.employee_id = $1 AND c.closed_on IS NULL FOR UPDATE",
		  SPI_OK_SELECT, step->subject, 0, 0);
}

static void
LoadState(PipStep *step)
{
	static SPIPlanPtr plan = NULL;
	bool		isnull;
	Datum		value;
	DateADT		left_on;

	RunQuery(&plan, STATE_QUERY, SPI_OK_SELECT, step->subject, step->actor, 0);
	step->found = SPI_processed == 1;
	step->stage = "none";
	if (!step->found)
		return;
	step->case_id = IntColumn(1);
	value = Column(2, &isnull);
	if (!isnull)
		step->stage = TextDatumGetCString(value);
	step->is_paused = BoolColumn(3);
	(void) DateColumn(4, &step->paused_on);
	step->events = IntColumn(5);
	step->has_due = DateColumn(6, &step->due_on);
	step->has_choice = DateColumn(7, &step->choice_due_on);
	step->has_plan_limit = DateColumn(8, &step->plan_ends_by);
	step->is_informed = BoolColumn(9);
	value = Column(10, &isnull);
	step->chain = datumCopy(value, false, -1);
	step->policy = IntColumn(11);
	value = Column(12, &isnull);
	step->today = TodayIn(DatumGetTextPP(value));
	step->is_leader = BoolColumn(13);
	step->is_below = BoolColumn(14);
	step->is_panel = BoolColumn(15);
	step->is_hr = CurrentActorHolds("hr");
	step->review_days = IntColumn(16);
	step->choice_months = IntColumn(17);
	step->choice_business_days = IntColumn(18);
	step->final_choice_business_days = IntColumn(19);
	step->plan_days = IntColumn(20);
	step->plan_days_most = IntColumn(21);
	step->revocation_days = IntColumn(22);
	step->panel_business_days = IntColumn(23);
	step->entry_appeal = BoolColumn(24);
	step->has_left = DateColumn(25, &left_on) && left_on <= step->today;
}

/* ---------------------------------------------------------------------
 * Who
 * ---------------------------------------------------------------------
 */

/* Whether an event is ever the employee's */
static bool
IsEmployeeEvent(const char *event)
{
	int			i;

	for (i = 0; i < lengthof(transitions); i++)
		if (Same(transitions[i].event, event) && transitions[i].actor == EMPLOYEE)
			return true;
	return Same(event, "resign");
}

static void
RefuseActor(const PipStep *step)
{
	ereport(ERROR,
			(errcode(ERRCODE_PERFMGMT_NOT_APPOINTED),
			 errmsg("event \"%s\" about employee %d is not yours to write", step->event, step->subject),
			 errhint("perfmgmt.pip_transitions() says who takes which step.")));
}

/*
 * Who stands in no relation to the person hears the same whatever the case, and
 * so does the person as long as nothing was disclosed.
 */
static void
CheckRelation(const PipStep *step)
{
	if (step->actor == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_NOT_APPOINTED),
				 errmsg("a PIP event needs a named person"),
				 errhint("Call perfmgmt.act_as() first.")));
	if (step->actor == step->subject)
	{
		if (!IsEmployeeEvent(step->event))
			ereport(ERROR,
					(errcode(ERRCODE_PERFMGMT_CONFLICT),
					 errmsg("nobody takes this step about oneself")));
		if (!step->found || !(step->is_informed || (step->case_id != 0 && Same(step->event, "resign"))))
			ereport(ERROR,
					(errcode(ERRCODE_PERFMGMT_WRONG_STATE),
					 errmsg("there is nothing of yours that waits for \"%s\"", step->event)));
		return;
	}
	if (!step->found || !(step->is_leader || step->is_hr || step->is_panel))
		RefuseActor(step);
	if (step->is_hr && step->is_below && !step->is_panel)
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_CONFLICT),
				 errmsg("nobody decides about somebody above oneself")));
}

static bool
NeedsTwo(const PipTransition *transition)
{
	return transition->actor == LEADER_AND_HR || transition->actor == HR_AND_HR;
}

/* The first or only person of a step */
static bool
MayTakeStep(const PipStep *step)
{
	bool		is_oneself = step->actor == step->subject;
	bool		is_hr = step->is_hr && !step->is_below;

	switch (step->transition->actor)
	{
		case LEADER_OR_HR:
			return !is_oneself && (step->is_leader || is_hr);
		case LEADER_AND_HR:
			return !is_oneself && step->is_leader;
		case HR:
		case HR_AND_HR:
			return !is_oneself && is_hr;
		case EMPLOYEE:
			return is_oneself;
		case EMPLOYEE_OR_HR:
			return is_oneself || is_hr;
		case PANEL:
			return !is_oneself && step->is_panel;
	}
	return false;
}

static bool
IsAmong(const char *event, const char *const *events, int count)
{
	int			i;

	for (i = 0; i < count; i++)
		if (Same(event, events[i]))
			return true;
	return false;
}

/*
 * An import may know of a leaving before the case does: it can be ended, and an
 * appeal decided, and nothing else.
 */
static void
CheckEmployed(const PipStep *step)
{
	static const char *const of_leavers[] = {
		"separate", "resign", "withdraw", "separate_other", "resume", "uphold", "deny", "replace_panel"
	};

	if (step->has_left && !IsAmong(step->event, of_leavers, lengthof(of_leavers)))
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_WRONG_STATE),
				 errmsg("event \"%s\" is not possible: employee %d has left", step->event, step->subject),
				 step->case_id != 0 ? errhint("The case is ended with separate, resign, separate_other or withdraw.") : 0));
}

static void
CheckPause(const PipStep *step)
{
	static const char *const while_paused[] = {"resume", "resign", "withdraw", "separate_other"};

	if (step->is_paused)
	{
		if (IsAmong(step->event, while_paused, lengthof(while_paused)))
			return;
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_WRONG_STATE),
				 errmsg("event \"%s\" is not possible while the case is paused", step->event),
				 errhint("Possible are: resume, resign, withdraw, separate_other.")));
	}
	if (Same(step->event, "resume"))
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_WRONG_STATE),
				 errmsg("the case is not paused")));
}

/*
 * A pending or written decision proves two people: fetched by its id, checked
 * against the step.
 */
static void
CheckDecision(PipStep *step)
{
	static SPIPlanPtr plan = NULL;
	bool		isnull;
	Datum		event;
	const char *proposer = step->transition->actor == LEADER_AND_HR ? "in the line of managers" : "appointed to hr and not below the person";

	if (step->decision != 0)
		RunQuery(&plan, "SELECT d.proposed_by, d.decided_by, (d.target ->> 'event_number')::int, d.target ->> 'event',"
			  " d.decision_kind = 'pip_step' AND d.outcome = 'approved' AND d.employee_id = $2"
			  "   AND NOT EXISTS (SELECT FROM perf.pip_event v WHERE v.decision_id = $1),"
			  " (p.left_on > CURRENT_DATE) IS NOT FALSE"
			  "   AND (SELECT e.manager_chain @> ARRAY[d.proposed_by] FROM perf.employee e WHERE e.employee_id = $2),"
			  " (p.left_on > CURRENT_DATE) IS NOT FALSE AND NOT p.manager_chain @> ARRAY[$2]"
			  "   AND EXISTS (SELECT FROM perf.appointment a WHERE a.employee_id = d.proposed_by AND a.appointment_kind = 'hr'"
			  "               AND a.valid_during @> CURRENT_DATE)"
			  " FROM perf.decision d JOIN perf.employee p ON p.employee_id = d.proposed_by"
			  " WHERE d.decision_id = $1 FOR UPDATE OF d",
			  SPI_OK_SELECT, step->decision, step->subject, 0);
	event = step->decision != 0 && SPI_processed == 1 ? Column(4, &isnull) : (Datum) 0;
	if (event == (Datum) 0 || isnull || !BoolColumn(5) || !Same(TextDatumGetCString(event), step->event) ||
		IntColumn(2) != step->actor)
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_CONFLICT),
				 errmsg("event \"%s\" needs two people", step->event),
				 errdetail("One who is %s proposes it, another one who is appointed to hr approves.", proposer),
				 errhint("perf.pip_advance() proposes, perf.approve() approves.")));
	step->proposed_by = IntColumn(1);
	if (IntColumn(3) != step->events + 1)
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_WRONG_STATE),
				 errmsg("the case went on since this was proposed"),
				 errhint("Look at the case and propose again.")));
	if (step->proposed_by == step->actor || step->proposed_by == step->subject)
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_CONFLICT),
				 errmsg("a second person must decide")));
	if (!BoolColumn(step->transition->actor == LEADER_AND_HR ? 6 : 7))
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_NOT_APPOINTED),
				 errmsg("who proposed this is no longer %s", proposer)));
	if (!step->is_hr || step->is_below)
		RefuseActor(step);
}

/* All that can be said before the step is written, of the first person */
static void
CheckStep(PipStep *step)
{
	CheckRelation(step);
	if (step->named_case != 0 && step->named_case != step->case_id)
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_WRONG_STATE),
				 errmsg("case %d is not an open case of employee %d", step->named_case, step->subject),
				 errhint("A closed case stays closed; \"identify\" opens another one.")));
	step->transition = RequireTransition(step->stage, step->event);
	if (NeedsTwo(step->transition) && step->decision != 0)
		CheckDecision(step);
	else if (!MayTakeStep(step))
		RefuseActor(step);
	CheckEmployed(step);
	CheckPause(step);
}

/* ---------------------------------------------------------------------
 * When, and on what ground
 * ---------------------------------------------------------------------
 */
static void
RefuseDate(const PipStep *step, const char *message, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_PERFMGMT_WRONG_STATE),
			 errmsg("%s", message),
			 step->has_due ? errdetail("The date is %s.", DayName(step->due_on)) : 0,
			 hint ? errhint("%s", hint) : 0));
}

static void
CheckDates(const PipStep *step)
{
	if (!step->has_due)
		return;
	if (Same(step->event, "revoke"))
	{
		if (step->today >= step->due_on)
			RefuseDate(step, "the days to revoke are over", NULL);
	}
	else if (step->transition->actor == EMPLOYEE)
	{
		if (step->today > step->due_on)
			RefuseDate(step, "the date to choose has passed", "HR may extend it.");
	}
	else if (Same(step->event, "separate"))
	{
		if (step->today < step->due_on)
			RefuseDate(step, "the employee may still revoke", NULL);
	}
	else if (Same(step->event, "no_choice"))
	{
		if (step->today <= step->due_on)
			RefuseDate(step, "the employee may still choose", NULL);
	}
}

static bool
Finds(SPIPlanPtr *plan, const char *source, const PipStep *step)
{
	RunQuery(plan, source, SPI_OK_SELECT, step->subject, step->case_id, 0);
	return BoolColumn(1);
}

static void
CheckEntryAppeal(const PipStep *step)
{
	static SPIPlanPtr plan = NULL;

	if (!step->entry_appeal)
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_WRONG_STATE),
				 errmsg("the policy knows no appeal against the offer")));
	if (Finds(&plan, "SELECT EXISTS (SELECT FROM perf.pip_event v WHERE v.employee_id = $1 AND v.pip_case_id = $2"
			  " AND v.event = 'appeal_entry')", step))
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_WRONG_STATE),
				 errmsg("the offer was appealed against before")));
}

/* Nobody fails a plan that was not there. */
static void
CheckPlan(const PipStep *step)
{
	static SPIPlanPtr plan = NULL;

	if (Same(step->event, "fail") &&
		!Finds(&plan, "SELECT EXISTS (SELECT FROM perf.pip_plan n WHERE n.employee_id = $1 AND n.pip_case_id = $2"
			   " AND n.approved_on IS NOT NULL)", step))
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_WRONG_STATE),
				 errmsg("there is no plan that HR approved"),
				 errhint("perf.write_pip_plan() writes one, perf.approve_pip_plan() approves it.")));
}

/*
 * The panel is complete and unconflicted, everybody voted, and the event says
 * what the majority said; a tie upholds.
 */
static void
CheckVotes(const PipStep *step)
{
	static SPIPlanPtr plan = NULL;

	RunQuery(&plan, "SELECT s.is_ready, s.outcome FROM perf.appeal l, perf.panel_state(l.employee_id, l.appeal_id) s"
		  " WHERE l.employee_id = $1 AND l.pip_case_id = $2 AND l.outcome = 'pending'",
		  SPI_OK_SELECT, step->subject, step->case_id, 0);
	if (SPI_processed != 1 || !BoolColumn(1))
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_WRONG_STATE),
				 errmsg("the panel is not ready"),
				 errdetail("It is one manager or three to five peers without a conflict, and all have voted."),
				 errhint("HR replaces who cannot vote.")));
	if (!Same(SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2), step->event))
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_WRONG_STATE),
				 errmsg("the votes say otherwise")));
}

static void
CheckGround(const PipStep *step)
{
	static SPIPlanPtr low_plan = NULL;
	static SPIPlanPtr notes_plan = NULL;
	PipActor	who = step->transition->actor;

	if (Same(step->event, "appeal_entry"))
		CheckEntryAppeal(step);
	if (who == PANEL)
		CheckVotes(step);
	CheckPlan(step);
	if (step->has_reason || who == PANEL || step->actor == step->subject ||
		Same(step->event, "separate") || Same(step->event, "resume"))
		return;
	if (Same(step->event, "identify") &&
		Finds(&low_plan, "SELECT perf.has_final_le($1) AND $2 IS NOT NULL", step))
		return;
	if (Same(step->event, "escalate") &&
		Finds(&notes_plan, "SELECT count(*) >= 2 FROM perf.coaching_note n WHERE n.employee_id = $1 AND n.pip_case_id = $2", step))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("event \"%s\" needs a reason", step->event),
			 Same(step->event, "identify") ? errdetail("The person has no final LE of a released session.") :
			 Same(step->event, "escalate") ? errdetail("The case has fewer than two coaching notes.") : 0));
}

/*
 * Business days: Monday to Friday, but for the holidays of the calendar.
 */
static bool
IsHoliday(DateADT day)
{
	static SPIPlanPtr plan = NULL;

	/* the difference to a fixed day, because RunQuery() takes integers */
	RunQuery(&plan, "SELECT EXISTS (SELECT FROM perf.holiday h WHERE h.holiday_on = date '2000-01-01' + $1)",
		  SPI_OK_SELECT, (int32) day, 0, 0);
	return BoolColumn(1);
}

static bool
IsBusinessDay(DateADT day)
{
	int			weekday = j2day(day + POSTGRES_EPOCH_JDATE);	/* 0: Sunday */

	return weekday != 0 && weekday != 6 && !IsHoliday(day);
}

static DateADT
BusinessDayFrom(DateADT day)
{
	while (!IsBusinessDay(day))
	{
		CHECK_FOR_INTERRUPTS();
		day++;
	}
	return day;
}

static DateADT
AddBusinessDays(DateADT day, int count)
{
	for (; count > 0; count--)
		day = BusinessDayFrom(day + 1);
	return day;
}

/* The date asked for, else the usual one.  To extend takes nothing away. */
static DateADT
AskedWithin(const PipStep *step, DateADT usual, DateADT earliest, DateADT latest)
{
	bool		extends = Same(step->event, "extend");
	DateADT		day = step->asks_due ? step->asked_due : usual;

	if (extends)
		earliest = Max(earliest, step->due_on + 1);
	if (!step->asks_due && !extends)
		return usual;
	if (earliest > latest)
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_WRONG_STATE),
				 errmsg("the date cannot be extended any more now"),
				 errdetail("It is %s, and %s would be the latest.", DayName(step->due_on), DayName(latest))));
	if (day < earliest || day > latest)
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_WRONG_STATE),
				 errmsg(step->asks_due ? "the date asked for is not possible" : "the usual date would be no later"),
				 errdetail("It must be from %s to %s.", DayName(earliest), DayName(latest))));
	return day;
}

static DateADT
ChoiceDue(const PipStep *step)
{
	DateADT		latest = AddMonths(step->today, 2);
	DateADT		usual = AddMonths(step->today, step->choice_months);

	usual = BusinessDayFrom(AddBusinessDays(usual, step->choice_business_days));
	return AskedWithin(step, Min(usual, latest), AddBusinessDays(step->today, 5), latest);
}

static DateADT
FinalChoiceDue(const PipStep *step)
{
	DateADT		usual = AddBusinessDays(step->today, step->final_choice_business_days);

	return AskedWithin(step, usual, usual, Max(usual, AddMonths(step->today, 2)));
}

/* Sets plan_ends_by at the start of the plan, and keeps it afterwards. */
static DateADT
PlanEnd(PipStep *step)
{
	DateADT		end;

	if (!Same(step->event, "extend"))
	{
		step->plan_ends_by = step->today + step->plan_days_most;
		step->has_plan_limit = true;
		return AskedWithin(step, step->today + Min(step->plan_days, step->plan_days_most), step->today + 30, step->plan_ends_by);
	}
	end = step->plan_ends_by;
	if (end <= step->due_on)
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_WRONG_STATE),
				 errmsg("the plan cannot be extended any more"),
				 errdetail("A plan takes %d days in all at most.", step->plan_days_most)));
	return AskedWithin(step, end, step->due_on + 1, end);
}

static void
MoveByPause(PipStep *step)
{
	int			days = step->today - step->paused_on;

	if (step->has_due)
		step->due_on += days;
	if (step->has_choice)
		step->choice_due_on += days;
	if (step->has_plan_limit)
		step->plan_ends_by += days;
}

/* The dates after the step */
static void
SetDates(PipStep *step)
{
	PipTimer	timer = step->transition->timer;

	if (step->asks_due && (step->actor == step->subject || timer < REVIEW || timer == PANEL_DUE || timer == REVOCATION))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no date can be asked for with event \"%s\"", step->event)));
	switch (timer)
	{
		case NO_TIMER:
			step->has_due = step->has_choice = step->has_plan_limit = false;
			return;
		case KEEP_TIMER:
			if (Same(step->event, "resume"))
				MoveByPause(step);
			else if (Same(step->event, "revoke"))
				step->due_on = step->choice_due_on;
			return;
		case REVIEW:
			step->due_on = AskedWithin(step, BusinessDayFrom(step->today + step->review_days),
									   step->today + 1, step->today + 366);
			break;
		case CHOICE:
			step->choice_due_on = step->due_on = ChoiceDue(step);
			step->has_choice = true;
			break;
		case FINAL_CHOICE:
			step->choice_due_on = step->due_on = FinalChoiceDue(step);
			step->has_choice = true;
			break;
		case PANEL_DUE:
			step->due_on = AddBusinessDays(step->today, step->panel_business_days);
			break;
		case REVOCATION:
			step->due_on = step->today + step->revocation_days;
			break;
		case PLAN_END:
			step->due_on = PlanEnd(step);
			break;
	}
	step->has_due = true;
}

/* ---------------------------------------------------------------------
 * Before a step: may the actor propose or take it?
 * ---------------------------------------------------------------------
 */
Datum
perfmgmt_pip_step(PG_FUNCTION_ARGS)
{
	PipStep		step = {0};
	TupleDesc	desc;
	Datum		values[3];
	bool		nulls[3] = {false, false, false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	step.subject = PG_GETARG_INT32(0);
	step.event = text_to_cstring(PG_GETARG_TEXT_PP(1));
	step.actor = CurrentActorId();
	SPI_connect();
	LoadState(&step);
	CheckStep(&step);
	/* of two people, the first as well decides when it can be decided */
	if (NeedsTwo(step.transition))
	{
		CheckDates(&step);
		CheckPlan(&step);
	}
	SPI_finish();
	nulls[0] = step.case_id == 0;
	values[0] = Int32GetDatum(step.case_id);
	values[1] = BoolGetDatum(NeedsTwo(step.transition));
	values[2] = Int32GetDatum(step.events + 1);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* ---------------------------------------------------------------------
 * The triggers
 * ---------------------------------------------------------------------
 */
static bool applying_event = false;

static TriggerData *
RequireTrigger(FunctionCallInfo fcinfo, const char *relation)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!Same(RelationGetRelationName(trigger->tg_relation), relation) ||
		RelationGetNamespace(trigger->tg_relation) != get_namespace_oid(RECORDS_SCHEMA, true))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("this function is a trigger of table \"%s\"", relation)));
	return trigger;
}

/* The routines that erase a person, at the end: see sql/schema/erasure.sql. */
static bool
IsErasing(TriggerData *trigger)
{
	return TRIGGER_FIRED_BY_DELETE(trigger->tg_event) &&
		GetUserId() == get_role_oid("perfmgmt_ledger", true);
}

static void
RefuseWrite(Relation relation)
{
	ereport(ERROR,
			(errcode(ERRCODE_PERFMGMT_WRONG_STATE),
			 errmsg("table \"%s\" is written by events alone", RelationGetRelationName(relation)),
			 errhint("perf.pip_advance() writes an event; what was written stays.")));
}

/* The organisation moves on: manager_chain may follow, nothing else. */
static bool
OnlyChainDiffers(TupleDesc desc, HeapTuple before, HeapTuple after)
{
	int			i;

	for (i = 1; i <= desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i - 1);
		bool		no_before,
					no_after;
		Datum		old_value,
					new_value;

		if (attribute->attisdropped || Same(NameStr(attribute->attname), "manager_chain"))
			continue;
		old_value = heap_getattr(before, i, desc, &no_before);
		new_value = heap_getattr(after, i, desc, &no_after);
		if (no_before != no_after ||
			(!no_before && !datum_image_eq(old_value, new_value, attribute->attbyval, attribute->attlen)))
			return false;
	}
	return true;
}

static bool
IsRole(const char *role)
{
	return GetUserId() == get_role_oid(role, true);
}

/* What was written stays, until an erasure or a purge that people decided. */
static Datum
KeepHistory(TriggerData *trigger)
{
	if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event) && IsRole(LEDGER_ROLE))
		return PointerGetDatum(trigger->tg_trigtuple);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) &&
		OnlyChainDiffers(RelationGetDescr(trigger->tg_relation), trigger->tg_trigtuple, trigger->tg_newtuple))
		return PointerGetDatum(trigger->tg_newtuple);
	RefuseWrite(trigger->tg_relation);
	return PointerGetDatum(NULL);
}

static int
ColumnNumber(Relation relation, const char *name)
{
	int			number = SPI_fnumber(RelationGetDescr(relation), name);

	if (number <= 0)
		elog(ERROR, "table \"%s\" has no column \"%s\"", RelationGetRelationName(relation), name);
	return number;
}

static Datum
TupleValue(TriggerData *trigger, const char *name, bool *isnull)
{
	return heap_getattr(trigger->tg_trigtuple, ColumnNumber(trigger->tg_relation, name),
						RelationGetDescr(trigger->tg_relation), isnull);
}

static void
ReadEvent(TriggerData *trigger, PipStep *step)
{
	bool		isnull;
	Datum		value;
	char	   *reason;

	value = TupleValue(trigger, "employee_id", &isnull);
	step->subject = isnull ? 0 : DatumGetInt32(value);
	value = TupleValue(trigger, "event", &isnull);
	step->event = isnull ? "" : TextDatumGetCString(value);
	value = TupleValue(trigger, "reason", &isnull);
	reason = isnull ? "" : TextDatumGetCString(value);
	step->has_reason = strspn(reason, " \t\r\n") < strlen(reason);
	value = TupleValue(trigger, "decision_id", &isnull);
	step->decision = isnull ? 0 : DatumGetInt32(value);
	value = TupleValue(trigger, "pip_case_id", &isnull);
	step->named_case = isnull ? 0 : DatumGetInt32(value);
	value = TupleValue(trigger, "due_on", &isnull);
	step->asks_due = !isnull;
	step->asked_due = isnull ? 0 : DatumGetDateADT(value);
	step->actor = CurrentActorId();
}

/* The row as it is stored: what the client said, and what follows from it */
typedef struct RowChange
{
	TriggerData *trigger;
	int			count;
	int			columns[20];
	Datum		values[20];
	bool		nulls[20];
} RowChange;

static void
SetColumn(RowChange *change, const char *name, Datum value, bool isnull)
{
	change->columns[change->count] = ColumnNumber(change->trigger->tg_relation, name);
	change->values[change->count] = value;
	change->nulls[change->count] = isnull;
	change->count++;
}

static HeapTuple
FillEvent(TriggerData *trigger, PipStep *step)
{
	RowChange	change = {trigger};

	SetColumn(&change, "pip_case_id", Int32GetDatum(step->case_id), false);
	SetColumn(&change, "event_number", Int32GetDatum(step->events + 1), false);
	SetColumn(&change, "from_stage", CStringGetTextDatum(step->stage), false);
	SetColumn(&change, "to_stage", CStringGetTextDatum(TargetOf(step->transition, step->stage)), false);
	SetColumn(&change, "is_paused", BoolGetDatum(Same(step->event, "pause")), false);
	SetColumn(&change, "due_on", DateADTGetDatum(step->due_on), !step->has_due);
	SetColumn(&change, "choice_due_on", DateADTGetDatum(step->choice_due_on), !step->has_choice);
	SetColumn(&change, "plan_ends_by", DateADTGetDatum(step->plan_ends_by), !step->has_plan_limit);
	SetColumn(&change, "proposed_by", Int32GetDatum(step->proposed_by), step->proposed_by == 0);
	SetColumn(&change, "decided_by", Int32GetDatum(step->actor), false);
	SetColumn(&change, "policy_id", Int32GetDatum(step->policy), false);
	SetColumn(&change, "occurred_on", DateADTGetDatum(step->today), false);
	SetColumn(&change, "recorded_at", TimestampTzGetDatum(GetCurrentTimestamp()), false);
	SetColumn(&change, "manager_chain", step->chain, false);
	return heap_modify_tuple_by_cols(trigger->tg_trigtuple, RelationGetDescr(trigger->tg_relation),
									 change.count, change.columns, change.values, change.nulls);
}

static void
DrawCaseId(PipStep *step)
{
	static SPIPlanPtr plan = NULL;

	if (step->case_id != 0)
		return;
	RunQuery(&plan, "SELECT nextval('perf.pip_case_pip_case_id_seq')::int + 0 * $1", SPI_OK_SELECT, 0, 0, 0);
	step->case_id = IntColumn(1);
}

static HeapTuple
WriteEvent(TriggerData *trigger)
{
	MemoryContext caller_context = CurrentMemoryContext;
	MemoryContext spi_context;
	PipStep		step = {0};
	HeapTuple	filled;

	SPI_connect();
	ReadEvent(trigger, &step);
	LockCase(&step);
	LoadState(&step);
	CheckStep(&step);
	if (NeedsTwo(step.transition) && step.decision == 0)
		CheckDecision(&step);	/* which says what is needed */
	if (!NeedsTwo(step.transition) && step.decision != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("event \"%s\" is one person's decision", step.event)));
	CheckDates(&step);
	CheckGround(&step);
	SetDates(&step);
	DrawCaseId(&step);
	spi_context = MemoryContextSwitchTo(caller_context);
	filled = FillEvent(trigger, &step);
	MemoryContextSwitchTo(spi_context);
	SPI_finish();
	return filled;
}

/*
 * Before a row of pip_event.
 */
Datum
perfmgmt_pip_event_write(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = RequireTrigger(fcinfo, "pip_event");

	if (IsErasing(trigger))
		return PointerGetDatum(trigger->tg_trigtuple);
	if (IsLogicalWorker())		/* a subscriber copies what was decided elsewhere */
		return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ?
							   trigger->tg_newtuple : trigger->tg_trigtuple);
	if (!TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		return KeepHistory(trigger);
	return PointerGetDatum(WriteEvent(trigger));
}

#define INSERT_CASE \
	"INSERT INTO perf.pip_case (employee_id, pip_case_id, policy_id, stage, events, opened_on, due_on, manager_chain)" \
	" SELECT v.employee_id, v.pip_case_id, v.policy_id, v.to_stage, 1, v.occurred_on, v.due_on, v.manager_chain" \
	" FROM perf.pip_event v WHERE v.employee_id = $1 AND v.pip_event_id = $2"
#define UPDATE_CASE \
	"UPDATE perf.pip_case c SET stage = v.to_stage, events = v.event_number, is_paused = v.is_paused," \
	" paused_on = CASE WHEN v.is_paused THEN v.occurred_on END, due_on = v.due_on, choice_due_on = v.choice_due_on," \
	" plan_ends_by = v.plan_ends_by, closed_on = CASE WHEN NOT s.is_open THEN v.occurred_on END," \
	" employee_informed_on = coalesce(c.employee_informed_on, CASE WHEN v.to_stage = 'pivot_offered'" \
	"     OR v.to_stage = 'focus' AND r.focus_disclosed THEN v.occurred_on END)" \
	" FROM perf.pip_event v JOIN perf.pip_stage s ON s.stage = v.to_stage JOIN perf.pip_rule r ON r.policy_id = v.policy_id" \
	" WHERE v.employee_id = $1 AND v.pip_event_id = $2 AND c.employee_id = v.employee_id" \
	" AND c.pip_case_id = v.pip_case_id AND c.events = v.event_number - 1 AND c.stage = v.from_stage"

static void
ApplyEvent(TriggerData *trigger)
{
	static SPIPlanPtr insert_plan = NULL;
	static SPIPlanPtr update_plan = NULL;
	static SPIPlanPtr effect_plan = NULL;
	bool		isnull;
	int32		subject = DatumGetInt32(TupleValue(trigger, "employee_id", &isnull));
	int32		event_id = DatumGetInt32(TupleValue(trigger, "pip_event_id", &isnull));

	SPI_connect();
	if (DatumGetInt32(TupleValue(trigger, "event_number", &isnull)) == 1)
		RunQuery(&insert_plan, INSERT_CASE, SPI_OK_INSERT, subject, event_id, 0);
	else
		RunQuery(&update_plan, UPDATE_CASE, SPI_OK_UPDATE, subject, event_id, 0);
	if (SPI_processed != 1)
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_WRONG_STATE),
				 errmsg("a statement writes one event of a case")));
	RunQuery(&effect_plan, "SELECT perf.pip_effects($1, $2)", SPI_OK_SELECT, subject, event_id, 0);
	SPI_finish();
}

/*
 * After a row of pip_event, when it is there for sure.
 */
Datum
perfmgmt_pip_event_apply(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = RequireTrigger(fcinfo, "pip_event");
	bool		before = applying_event;

	if (IsLogicalWorker())
		return PointerGetDatum(NULL);
	applying_event = true;
	PG_TRY();
	{
		ApplyEvent(trigger);
	}
	PG_FINALLY();
	{
		applying_event = before;
	}
	PG_END_TRY();
	return PointerGetDatum(NULL);
}

/*
 * Before a statement on pip_case, and before each of its rows.
 */
Datum
perfmgmt_pip_case_guard(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = RequireTrigger(fcinfo, "pip_case");

	if (IsErasing(trigger))
		return PointerGetDatum(TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event) ? NULL : trigger->tg_trigtuple);
	if (TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event))
	{
		/* for everybody but the routines that let manager_chain follow, or erase */
		if (!applying_event && !IsLogicalWorker() && !IsRole(ENGINE_ROLE) && !IsRole(LEDGER_ROLE))
			RefuseWrite(trigger->tg_relation);
		return PointerGetDatum(NULL);
	}
	if (applying_event || IsLogicalWorker())
		return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ?
							   trigger->tg_newtuple : trigger->tg_trigtuple);
	return KeepHistory(trigger);
}
