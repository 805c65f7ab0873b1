-- Partitions by range, list and hash, nested, with and without a default, and references to and from them.

CREATE TABLE regions (code char(2) PRIMARY KEY, name text NOT NULL);

CREATE TABLE events (
    id bigint NOT NULL,
    happened_at timestamptz NOT NULL,
    region char(2) NOT NULL REFERENCES regions,
    body jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (id, happened_at)
) PARTITION BY RANGE (happened_at);
CREATE TABLE events_2023 PARTITION OF events FOR VALUES FROM ('2023-01-01 00:00+00') TO ('2024-01-01 00:00+00');
CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2025-01-01 00:00+00')
    PARTITION BY HASH (id);
CREATE TABLE events_2024_even PARTITION OF events_2024 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE events_2024_odd PARTITION OF events_2024 FOR VALUES WITH (MODULUS 2, REMAINDER 1);

CREATE TABLE event_notes (
    id integer PRIMARY KEY,
    event_id bigint NOT NULL,
    event_at timestamptz NOT NULL,
    note text NOT NULL,
    FOREIGN KEY (event_id, event_at) REFERENCES events (id, happened_at) ON DELETE CASCADE
);

CREATE TABLE sales (
    id uuid NOT NULL,
    continent text NOT NULL,
    amount numeric(10, 2) NOT NULL CHECK (amount > 0),
    PRIMARY KEY (id, continent)
) PARTITION BY LIST (continent);
CREATE TABLE sales_europe PARTITION OF sales FOR VALUES IN ('europe');
CREATE TABLE sales_americas PARTITION OF sales FOR VALUES IN ('north america', 'south america');
CREATE TABLE sales_elsewhere PARTITION OF sales DEFAULT;

CREATE TABLE readings (
    sensor integer NOT NULL,
    taken integer NOT NULL,
    value double precision,
    PRIMARY KEY (sensor, taken)
) PARTITION BY RANGE (sensor, taken);
CREATE TABLE readings_low PARTITION OF readings FOR VALUES FROM (MINVALUE, MINVALUE) TO (100, 0);
CREATE TABLE readings_high PARTITION OF readings FOR VALUES FROM (100, 0) TO (MAXVALUE, MAXVALUE);

-- Inheritance of the old kind, for what still has it.
CREATE TABLE vehicles (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE trucks (load_kg integer NOT NULL CHECK (load_kg > 0), PRIMARY KEY (id)) INHERITS (vehicles);
