-- The tables of event triggers and scheduled triggers, laid out as Hasura v2 lays them out (catalog version 48, source
-- catalog version 3), so that a database which Hasura has used is taken over as it stands and can be given back.
-- Run in one transaction, at every start; a second run changes nothing.
CREATE SCHEMA IF NOT EXISTS hdb_catalog;
CREATE SCHEMA IF NOT EXISTS nself;

CREATE OR REPLACE FUNCTION hdb_catalog.gen_hasura_uuid() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()';

CREATE TABLE IF NOT EXISTS hdb_catalog.hdb_source_catalog_version (
    version text NOT NULL,
    upgraded_on timestamptz NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS hdb_source_catalog_version_one_row
    ON hdb_catalog.hdb_source_catalog_version ((version IS NOT NULL));
INSERT INTO hdb_catalog.hdb_source_catalog_version VALUES ('3', now()) ON CONFLICT DO NOTHING;

-- The outbox: a trigger writes here in the transaction of the change.
CREATE TABLE IF NOT EXISTS hdb_catalog.event_log (
    id text DEFAULT hdb_catalog.gen_hasura_uuid() PRIMARY KEY,
    schema_name text NOT NULL,
    table_name text NOT NULL,
    trigger_name text NOT NULL,
    payload jsonb NOT NULL,
    delivered boolean NOT NULL DEFAULT false,
    error boolean NOT NULL DEFAULT false,
    tries integer NOT NULL DEFAULT 0,
    created_at timestamp DEFAULT now(),
    -- NULL: free to be delivered
    locked timestamptz,
    next_retry_at timestamp,
    archived boolean NOT NULL DEFAULT false
);
CREATE INDEX IF NOT EXISTS event_log_trigger_name_idx ON hdb_catalog.event_log (trigger_name);
CREATE INDEX IF NOT EXISTS event_log_fetch_events
    ON hdb_catalog.event_log (locked NULLS FIRST, next_retry_at NULLS FIRST, created_at)
    WHERE delivered = false AND error = false AND archived = false;

CREATE TABLE IF NOT EXISTS hdb_catalog.event_invocation_logs (
    id text DEFAULT hdb_catalog.gen_hasura_uuid() PRIMARY KEY,
    trigger_name text,
    event_id text,
    status integer,
    request json,
    response json,
    created_at timestamp DEFAULT now()
);
-- Hasura before 2.16 did without the column.
ALTER TABLE hdb_catalog.event_invocation_logs ADD COLUMN IF NOT EXISTS trigger_name text;
CREATE INDEX IF NOT EXISTS event_invocation_logs_event_id_idx ON hdb_catalog.event_invocation_logs (event_id);

CREATE TABLE IF NOT EXISTS hdb_catalog.hdb_event_log_cleanups (
    id text DEFAULT hdb_catalog.gen_hasura_uuid() PRIMARY KEY,
    trigger_name text NOT NULL,
    scheduled_at timestamp NOT NULL,
    deleted_event_logs integer,
    deleted_event_invocation_logs integer,
    status text NOT NULL,
    CHECK (status IN ('scheduled', 'paused', 'completed', 'dead')),
    UNIQUE (trigger_name, scheduled_at)
);

CREATE OR REPLACE FUNCTION hdb_catalog.insert_event_log(
    schema_name text, table_name text, trigger_name text, op text, row_data json
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    id text := gen_random_uuid();
BEGIN
    -- A setting that was set with SET LOCAL is an empty string after its transaction.
    INSERT INTO hdb_catalog.event_log (id, schema_name, table_name, trigger_name, payload)
    VALUES (id, schema_name, table_name, trigger_name, json_build_object(
        'op', op,
        'data', row_data,
        'session_variables', nullif(current_setting('hasura.user', true), '')::json,
        'trace_context', nullif(current_setting('hasura.tracecontext', true), '')::json
    ));
    RETURN id;
END
$$;

CREATE TABLE IF NOT EXISTS hdb_catalog.hdb_cron_events (
    id text DEFAULT hdb_catalog.gen_hasura_uuid() PRIMARY KEY,
    trigger_name text NOT NULL,
    scheduled_time timestamptz NOT NULL,
    status text NOT NULL DEFAULT 'scheduled',
    tries integer NOT NULL DEFAULT 0,
    created_at timestamptz DEFAULT now(),
    next_retry_at timestamptz,
    CONSTRAINT valid_status CHECK (status IN ('scheduled', 'locked', 'delivered', 'error', 'dead'))
);
CREATE INDEX IF NOT EXISTS hdb_cron_event_status ON hdb_catalog.hdb_cron_events (status);
CREATE UNIQUE INDEX IF NOT EXISTS hdb_cron_events_unique_scheduled
    ON hdb_catalog.hdb_cron_events (trigger_name, scheduled_time) WHERE status = 'scheduled';

CREATE TABLE IF NOT EXISTS hdb_catalog.hdb_cron_event_invocation_logs (
    id text DEFAULT hdb_catalog.gen_hasura_uuid() PRIMARY KEY,
    event_id text REFERENCES hdb_catalog.hdb_cron_events (id) ON UPDATE CASCADE ON DELETE CASCADE,
    status integer,
    request json,
    response json,
    created_at timestamptz DEFAULT now()
);
CREATE INDEX IF NOT EXISTS hdb_cron_event_invocation_event_id ON hdb_catalog.hdb_cron_event_invocation_logs (event_id);

CREATE TABLE IF NOT EXISTS hdb_catalog.hdb_scheduled_events (
    id text DEFAULT hdb_catalog.gen_hasura_uuid() PRIMARY KEY,
    webhook_conf json NOT NULL,
    scheduled_time timestamptz NOT NULL,
    retry_conf json,
    payload json,
    header_conf json,
    status text NOT NULL DEFAULT 'scheduled',
    tries integer NOT NULL DEFAULT 0,
    created_at timestamptz DEFAULT now(),
    next_retry_at timestamptz,
    comment text,
    CONSTRAINT valid_status CHECK (status IN ('scheduled', 'locked', 'delivered', 'error', 'dead'))
);
CREATE INDEX IF NOT EXISTS hdb_scheduled_event_status ON hdb_catalog.hdb_scheduled_events (status);

CREATE TABLE IF NOT EXISTS hdb_catalog.hdb_scheduled_event_invocation_logs (
    id text DEFAULT hdb_catalog.gen_hasura_uuid() PRIMARY KEY,
    event_id text REFERENCES hdb_catalog.hdb_scheduled_events (id) ON UPDATE CASCADE ON DELETE CASCADE,
    status integer,
    request json,
    response json,
    created_at timestamptz DEFAULT now()
);

-- Wakes the deliverers of every server on this database, once a transaction, so that nobody needs to ask again and
-- again whether there is something to do.
CREATE OR REPLACE FUNCTION nself.event_written() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_catalog.pg_notify('nself_events', '');
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER nself_event_written AFTER INSERT ON hdb_catalog.event_log
    FOR EACH STATEMENT EXECUTE FUNCTION nself.event_written();
CREATE OR REPLACE TRIGGER nself_event_written AFTER INSERT ON hdb_catalog.hdb_scheduled_events
    FOR EACH STATEMENT EXECUTE FUNCTION nself.event_written();
CREATE OR REPLACE TRIGGER nself_event_written AFTER INSERT ON hdb_catalog.hdb_cron_events
    FOR EACH STATEMENT EXECUTE FUNCTION nself.event_written();
