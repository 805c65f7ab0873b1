-- Which migrations this database has, one row each. Written in the same transaction as the migration itself.
CREATE SCHEMA IF NOT EXISTS nself;
CREATE TABLE nself.migrations (
    version text PRIMARY KEY,
    name text NOT NULL,
    -- SHA-256 of the up part; null for a migration that another tool applied.
    checksum text,
    -- 'started' only for one that runs outside a transaction and has not ended.
    state text NOT NULL DEFAULT 'applied' CHECK (state IN ('started', 'applied')),
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    duration_ms bigint,
    applied_by text NOT NULL
);
COMMENT ON TABLE nself.migrations IS 'Migrations applied by nself db migrate';
