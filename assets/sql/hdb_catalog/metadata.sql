-- Where metadata is kept, laid out as Hasura v2 lays it out (catalog version 48), and what nself adds to it.
-- Run in one transaction, at every start; a second run changes nothing.
CREATE SCHEMA IF NOT EXISTS hdb_catalog;
CREATE SCHEMA IF NOT EXISTS nself;

CREATE TABLE IF NOT EXISTS hdb_catalog.hdb_version (
    hasura_uuid uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    version text NOT NULL,
    upgraded_on timestamptz NOT NULL,
    cli_state jsonb NOT NULL DEFAULT '{}',
    console_state jsonb NOT NULL DEFAULT '{}',
    ee_client_id text,
    ee_client_secret text
);
CREATE UNIQUE INDEX IF NOT EXISTS hdb_version_one_row ON hdb_catalog.hdb_version ((version IS NOT NULL));
INSERT INTO hdb_catalog.hdb_version (version, upgraded_on) VALUES ('48', now()) ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS hdb_catalog.hdb_metadata (
    id integer PRIMARY KEY,
    metadata json NOT NULL,
    resource_version integer NOT NULL DEFAULT 1 UNIQUE
);

-- Every change writes all of it. PostgreSQL's own compression takes longer than everything else about that; where the
-- server has no LZ4 (before 14, or built without), it stays.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = 'hdb_catalog.hdb_metadata'::regclass
            AND attname = 'metadata' AND attcompression = '') THEN
        EXECUTE 'ALTER TABLE hdb_catalog.hdb_metadata ALTER COLUMN metadata SET COMPRESSION lz4';
    END IF;
EXCEPTION WHEN undefined_column OR feature_not_supported OR syntax_error OR invalid_parameter_value
        OR insufficient_privilege THEN
    NULL;
END
$$;

-- Other engines on the same database learn of a change here.
CREATE TABLE IF NOT EXISTS hdb_catalog.hdb_schema_notifications (
    id integer PRIMARY KEY CHECK (id = 1),
    notification json NOT NULL,
    resource_version integer NOT NULL DEFAULT 1,
    instance_id uuid NOT NULL,
    updated_at timestamptz DEFAULT now()
);

-- One row: whether tables of `public` are served without being tracked, and those that are not.
CREATE TABLE IF NOT EXISTS nself.graphql (
    auto_track boolean NOT NULL,
    hidden jsonb NOT NULL DEFAULT '[]'
);
CREATE UNIQUE INDEX IF NOT EXISTS graphql_one_row ON nself.graphql ((auto_track IS NOT NULL));

-- Metadata that was replaced as a whole, or that could be read in part only, before it was overwritten.
CREATE TABLE IF NOT EXISTS nself.graphql_metadata_history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    taken_at timestamptz NOT NULL DEFAULT now(),
    resource_version integer NOT NULL,
    -- the command that replaced it, `unreadable` or `rewritten`
    why text NOT NULL,
    auto_track boolean NOT NULL,
    hidden jsonb NOT NULL,
    metadata json NOT NULL,
    -- parts that could not be read and that nobody has dealt with: [{path, reason, value}]
    missing jsonb NOT NULL DEFAULT '[]'
);

-- Tells the engines that listen, with who has changed it. Hasura, which asks the table again and again, writes it too.
CREATE OR REPLACE FUNCTION nself.metadata_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_catalog.pg_notify('nself_schema_changed', 'metadata ' || NEW.instance_id);
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER nself_metadata_changed AFTER INSERT OR UPDATE ON hdb_catalog.hdb_schema_notifications
    FOR EACH ROW EXECUTE FUNCTION nself.metadata_changed();
