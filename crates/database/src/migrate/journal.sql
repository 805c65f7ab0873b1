-- How far a migration has come that runs outside a transaction: a row a statement, or a block of the file's own.
CREATE TABLE IF NOT EXISTS nself.migration_steps (
    version text NOT NULL REFERENCES nself.migrations ON DELETE CASCADE,
    direction text NOT NULL CHECK (direction IN ('up', 'down')),
    -- The number of the statement in the file's part, from 1; 0 says that the run has begun.
    step int NOT NULL,
    -- SHA-256 of the statement.
    checksum text NOT NULL,
    -- 'started' only for one that cannot stand in a transaction, while it runs.
    state text NOT NULL CHECK (state IN ('started', 'done')),
    -- The indexes that CREATE INDEX CONCURRENTLY found: any other on its table is its work.
    known oid[] NOT NULL DEFAULT '{}',
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (version, direction, step)
);
COMMENT ON TABLE nself.migration_steps IS 'Progress of migrations that run outside a transaction';
