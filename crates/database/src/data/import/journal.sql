-- Imports that were committed and whose command has not ended yet, one row each; usually there is none.
CREATE SCHEMA IF NOT EXISTS nself;
CREATE TABLE nself.imports (
    -- SHA-256 of the files, their sizes and times, and the options.
    key text PRIMARY KEY,
    -- What the import did, as JSON.
    report text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE nself.imports IS 'Imports by nself data import that a kill could interrupt before they were reported';
