-- Which seeds this database has, one row each. Written in the same transaction as the seed's rows.
CREATE SCHEMA IF NOT EXISTS nself;
CREATE TABLE nself.seeds (
    -- Relative to the project's root.
    path text PRIMARY KEY,
    -- SHA-256 of the file as it was when it ran.
    checksum text NOT NULL,
    environment text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    duration_ms bigint,
    applied_by text NOT NULL
);
COMMENT ON TABLE nself.seeds IS 'Seeds applied by nself seed';
