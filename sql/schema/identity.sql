-- identity: who may open what. Persons are in org, decisions in cycle; the
-- privileged routines are listed in sql/privileged.sql.

-- step 1

CREATE TABLE schema_version (
    version int PRIMARY KEY,
    extension_version text NOT NULL,
    installed_at timestamptz NOT NULL DEFAULT now(),
    installed_by text NOT NULL
);
CREATE UNIQUE INDEX schema_version_is_one_row ON schema_version ((true));
COMMENT ON TABLE schema_version IS 'One row: the version of the records that install() made last.';

-- replace

GRANT USAGE ON SCHEMA perf TO perfmgmt_engine, perfmgmt_ledger, perfmgmt_employee,
    perfmgmt_leader, perfmgmt_hr, perfmgmt_auditor;
GRANT USAGE ON SCHEMA forte TO perfmgmt_employee;
GRANT USAGE ON SCHEMA olr TO perfmgmt_leader, perfmgmt_hr;
GRANT USAGE ON SCHEMA insight TO perfmgmt_analyst, perfmgmt_hr;

-- reconcile_audit() compares it, too
GRANT SELECT ON schema_version TO perfmgmt_engine;

COMMENT ON SCHEMA perf IS 'Records of the performance reviews; people read them through forte, olr and insight.';
COMMENT ON SCHEMA forte IS 'What an employee sees about oneself.';
COMMENT ON SCHEMA olr IS 'What leaders and HR see: the organisation and leadership review.';
COMMENT ON SCHEMA insight IS 'Released, grouped and suppressed figures for BI; never a row a person.';
