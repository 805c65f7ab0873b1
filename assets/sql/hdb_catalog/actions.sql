-- The log of asynchronous actions, laid out as Hasura v2 lays it out. A second run changes nothing.
CREATE SCHEMA IF NOT EXISTS hdb_catalog;

CREATE OR REPLACE FUNCTION hdb_catalog.gen_hasura_uuid() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()';

CREATE TABLE IF NOT EXISTS hdb_catalog.hdb_action_log (
    id uuid PRIMARY KEY DEFAULT hdb_catalog.gen_hasura_uuid(),
    -- deliberately without a reference: an action may go while its calls stay
    action_name text,
    input_payload jsonb NOT NULL,
    request_headers jsonb NOT NULL,
    session_variables jsonb NOT NULL,
    response_payload jsonb,
    errors jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    response_received_at timestamptz,
    status text NOT NULL,
    CHECK (status IN ('created', 'processing', 'completed', 'error'))
);
