-- Which rows are mock data, so that they and no others can be removed. Written in the same transaction as the rows.
CREATE SCHEMA IF NOT EXISTS nself;
CREATE TABLE IF NOT EXISTS nself.mock_tables (
    schema_name text NOT NULL,
    table_name text NOT NULL,
    -- The columns that tell the rows apart; empty where the table has no key: then whole rows do, by their MD5.
    key_columns text[] NOT NULL,
    rows bigint NOT NULL,
    seed text NOT NULL,
    generator text NOT NULL,
    generated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (schema_name, table_name)
);
COMMENT ON TABLE nself.mock_tables IS 'Tables filled by nself mock generate';
CREATE TABLE IF NOT EXISTS nself.mock_keys (
    schema_name text NOT NULL,
    table_name text NOT NULL,
    first_row bigint NOT NULL,
    -- The keys of some rows, in the order of the rows: COPY's text, compressed by zstd.
    keys bytea NOT NULL,
    PRIMARY KEY (schema_name, table_name, first_row),
    FOREIGN KEY (schema_name, table_name) REFERENCES nself.mock_tables ON DELETE CASCADE
);
COMMENT ON TABLE nself.mock_keys IS 'The keys of the rows that nself mock generate made';
