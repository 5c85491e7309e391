-- Whoever reviews privileged code reads this list: every SECURITY DEFINER
-- routine, who owns it, and why it must run with more rights than its caller.
-- install() hands the routines to these owners; the catalog lint fails on a
-- SECURITY DEFINER routine that is not here.

CREATE FUNCTION perfmgmt.role_to_create()
RETURNS TABLE (role_name name, attributes text, owns_routines boolean, purpose text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    VALUES ('perfmgmt_engine'::name, 'NOINHERIT', true, 'owns the privileged routines; nobody is a member'),
           ('perfmgmt_ledger', 'NOINHERIT', true, 'owns the audit tables; nobody is a member'),
           ('perfmgmt_employee', '', false, 'opens forte: what an employee sees about oneself'),
           ('perfmgmt_leader', '', false, 'opens olr: what a leader sees about the people below'),
           ('perfmgmt_hr', '', false, 'opens olr, policies and approvals, for appointed people'),
           ('perfmgmt_auditor', '', false, 'opens the ledger, for appointed people'),
           ('perfmgmt_analyst', '', false, 'opens insight: released and suppressed figures'),
           ('perfmgmt_app', 'NOINHERIT', false, 'may call act_as() and become one of the first four')
$$;
COMMENT ON FUNCTION perfmgmt.role_to_create() IS
'The cluster roles that install() makes when they are missing: name, attributes, whether privileged routines belong to it, what it is for.';

CREATE FUNCTION perfmgmt.privileged_routine()
RETURNS TABLE (routine text, owner name, reason text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.routine, 'perfmgmt_engine'::name, r.reason FROM (VALUES
        ('perf.seal_audit()', 'writes blocks of the ledger, after a check of the appointment; has no right to write entries'),
        ('perf.reconcile_audit()', 'compares all tables with the ledger, after a check of the appointment; returns keys, no values'),
        ('perf.audit_inclusion(int, bigint)', 'reads the hashes of a block, after a check of the appointment'),
        ('perf.audit_consistency(bigint)', 'reads blocks, after a check of the appointment'),
        ('perf.audit_digest()', 'reads the last block, after a check of the appointment'),
        ('perf.follow_organisation(int[])', 'writes manager_chain of many people, which nobody may write'),
        ('perf.assignment_changed()', 'the trigger that calls follow_organisation() for any writer of assignment'),
        ('perf.refresh_organisation()', 'HR or the owner lets the assignments of today take effect'),
        ('perf.move_employee(int, int, date, int)', 'HR writes assignments, after a check of the appointment'),
        ('perf.employee_id_of(text)', 'tells the owner, who sees no people, and HR the id that goes with a key of the HR system'),
        ('perf.map_login(name, int, text)', 'the owner of the records maps logins, HR proposes it, after a check of the appointment'),
        ('perf.unmap_login(name)', 'HR or the owner takes a login away, after a check of the appointment'),
        ('perf.record_absence(int, daterange)', 'HR records leave, after a check of the appointment'),
        ('perf.new_policy_version(int)', 'HR copies a policy, after a check of the appointment'),
        ('perf.create_cycle(text, date, date, int, date, date, date)', 'HR makes cycles, after a check of the appointment'),
        ('perf.open_cycle(int)', 'writes the participation of everybody and the secret key of the lots'),
        ('perf.advance_cycle(int)', 'HR moves a cycle on, after a check of the appointment'),
        ('perf.approve(int, text)', 'writes the decision and its effect, after the checks of decide()'),
        ('perf.reject(int, text)', 'writes the decision, after the checks of decide()'),
        ('perf.appoint(int, text, text, date)', 'writes a proposal, or the first appointments for the owner'),
        ('perf.end_appointment(int, text, text)', 'writes a proposal, after a check of the appointment'),
        ('perf.change_eligibility(int, int, text, text)', 'writes a proposal, after a check of the appointment'),
        ('perf.calibrate(int)', 'computes over everybody, HRs own row included'),
        ('perf.record_leaving(int, text, date)', 'HR records that somebody leaves, after a check of the appointment'),
        ('perf.classify_separation(int, date, boolean, boolean, text)', 'HR says how a separation counts, after a check of the appointment'),
        ('perf.close_attrition_period(date)', 'HR closes a period, after a check of the appointment'),
        ('perf.set_unregretted_target(int, numeric, text)', 'HR sets the target of a team, after a check of the appointment'),
        ('perf.attrition_rate(date, date, int)', 'counts everybody, also whom the caller may not see; returns counts'),
        ('perf.refresh_insight()', 'counts everybody and writes the released figures, which nobody else may write'),
        ('perf.import_org()', 'HR writes people and assignments, after a check of the appointment'),
        ('perf.import_ratings(int)', 'HR writes ratings, after a check of the appointment'),
        ('perf.import_assessments(int)', 'HR writes assessments, after a check of the appointment'),
        ('perf.import_accomplishments()', 'HR writes accomplishments, after a check of the appointment'),
        ('perf.stage_lines(text)', 'reads and empties staging tables, which HR may only fill'),
        ('perf.import_problems(text)', 'shows HR or the owner the rows that an import refused'),
        ('perf.explain_rank(int, int)', 'counts people whom the caller may not see, after a check of the person asked about; names nobody'),
        ('perf.release_forte(int, text)', 'reads all ratings and writes the release tables, which nobody else may write'),
        ('perf.create_session(int, text, int, int)', 'HR makes sessions and seats people, after a check of the appointment'),
        ('perf.add_participant(int, int, text)', 'writes participants after a check that the actor leads the session'),
        ('perf.remove_participant(int, int)', 'deletes participants after the same check'),
        ('perf.add_subject(int, int, text)', 'writes subjects after a check that the actor leads the session'),
        ('perf.remove_subject(int, int, text)', 'takes subjects out after the same check'),
        ('perf.activate_session(int)', 'changes the status after a check that the actor leads the session'),
        ('perf.give_preliminary_rating(int, int, text, text)', 'writes a rating by the actor of a subject of the session'),
        ('perf.hold_hard_bounds()', 'the trigger counts the whole pool, also people whom the actor may not see; its message holds counts only'),
        ('perf.propose_changes(int, int[], text[], text, text, int)', 'writes tiers after checks of role, delegation, subjects and conflicts'),
        ('perf.propose_change(int, int, text, text, text, int)', 'one person through propose_changes()'),
        ('perf.withdraw_change(int, text)', 'writes the way back of a change, after the same checks'),
        ('perf.rank_subject(int, int, int)', 'writes the rank of a subject, after the same checks'),
        ('perf.mark_discussed(int, int)', 'writes a mark, after a check that the actor leads the session'),
        ('perf.finalize_session(int)', 'counts whole pools, also people whom the chair may not see'),
        ('perf.propose_session_reopening(int, text)', 'writes a proposal, after a check that the actor leads the session'),
        ('perf.propose_session_exception(int, text)', 'writes a proposal, after the same check'),
        ('perf.propose_calibration_exemption(int, int, text)', 'writes a proposal, after the same check'),
        ('perf.cancel_session(int, text)', 'changes the status of a planned session and frees its subjects, after a check that the actor leads it'),
        ('perf.end_delegation(int)', 'the principal or HR ends a delegation today'),
        ('perf.delegate_calibration(int, date, date, text)', 'writes a delegation by the actor, about nobody else'),
        ('perf.what_if(int, int, int[], int, text, text)', 'ranks whole pools, also people whom the caller may not see; returns only those whom the caller may see'),
        ('perf.record_pay(int, numeric, text, date)', 'HR writes pay, after a check of the appointment'),
        ('perf.pip_advance(int, text, text, date, text[])', 'writes an event of a case, or proposes it, after the checks of the state machine'),
        ('perf.note_coaching(int, text, text, boolean, date)', 'writes a note about somebody below, or for HR'),
        ('perf.write_pip_plan(int, text, int, text, text, jsonb)', 'writes a plan for somebody below, or for HR'),
        ('perf.approve_pip_plan(int)', 'HR approves a plan, after a check of the appointment'),
        ('perf.record_milestone(int, text, text)', 'writes the result of a milestone of somebody below, or for HR'),
        ('perf.name_panel(int, int[])', 'HR names a panel, after checks of the appointment and of conflicts'),
        ('perf.replace_panel_member(int, int, int, text)', 'HR changes a panel, after the same checks'),
        ('perf.appeals_to_decide()', 'a member of a panel, who may be any employee, reads what the panel decides'),
        ('perf.cast_vote(int, text)', 'a member of a panel writes the own vote, which nobody but HR may read'),
        ('perf.conclude_appeal(int, text)', 'counts votes that the member may not read, and writes the event'),
        ('perf.choose_plan()', 'an employee writes the own choice'),
        ('perf.accept_severance()', 'an employee writes the own choice'),
        ('perf.revoke_severance()', 'an employee takes the own choice back'),
        ('perf.appeal_pip(text)', 'an employee writes the own appeal'),
        ('perf.acknowledge_plan()', 'an employee writes the own acknowledgement'),
        ('perf.resign(text)', 'an employee resigns, and must not see whether there is a case'),
        ('perf.request_transfer(int, text)', 'an employee writes the own request, into a table that HR reads'),
        ('perf.own_transfers()', 'an employee reads the own requests, from a table that HR reads'),
        ('perf.withdraw_transfer(int)', 'an employee takes the own request back'),
        ('perf.decide_transfer(int, text)', 'HR decides requests, after a check of the appointment'),
        ('perf.pip_remind(date)', 'a job of the owner, who sees no case, or HR queues reminders, after a check of the appointment'),
        ('perf.acknowledge_review(int, text)', 'an employee writes the own acknowledgement'),
        ('perf.dispute_rating(int, text)', 'an employee writes the own dispute'),
        ('perf.own_disputes()', 'an employee reads the own disputes, from a table that leaders read'),
        ('perf.assign_dispute_reviewer(int, int)', 'HR writes the reviewer, after a check of the appointment'),
        ('perf.resolve_dispute(int, text, text, text, text)', 'the reviewer writes the answer to a dispute of somebody outside the own line')
    ) AS r(routine, reason)
$$;
COMMENT ON FUNCTION perfmgmt.privileged_routine() IS
'Every SECURITY DEFINER routine of the records: signature, owner, and the reason why it needs more rights than its caller.';
