-- Every built-in type that a column can have, with those of the usual extensions, a family a table.

CREATE EXTENSION IF NOT EXISTS citext;
CREATE EXTENSION IF NOT EXISTS hstore;
CREATE EXTENSION IF NOT EXISTS ltree;

CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy', 'it''s "odd", {really}\');
CREATE TYPE colour AS (red smallint, green smallint, blue smallint, name text);
CREATE DOMAIN percentage AS numeric(5, 2) CHECK (VALUE BETWEEN 0 AND 100);
CREATE DOMAIN code AS varchar(8) NOT NULL CHECK (VALUE ~ '^[A-Z]{2}-[0-9]{3,5}$');
CREATE TYPE float_span AS RANGE (subtype = float8, subtype_diff = float8mi);

CREATE TABLE numbers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    small smallint,
    whole integer NOT NULL,
    big bigint,
    exact numeric,
    price numeric(12, 2),
    single real,
    double double precision,
    cash money,
    share percentage,
    flag boolean,
    few smallserial,
    running serial,
    object oid,
    twice bigint GENERATED ALWAYS AS (whole::bigint * 2) STORED
);

CREATE TABLE texts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    plain text NOT NULL,
    short varchar(5),
    fixed char(3),
    one "char",
    identifier name,
    loose citext UNIQUE,
    product code,
    feeling mood,
    bytes bytea,
    markup xml,
    path jsonpath
);

CREATE TABLE times (
    id integer PRIMARY KEY,
    day date,
    clock time,
    clock_ms time(3),
    clock_zone timetz,
    moment timestamp,
    moment_s timestamp(0),
    instant timestamptz NOT NULL,
    instant_ms timestamptz(3),
    span interval,
    span_days interval day to second(2)
);

CREATE TABLE documents (
    id integer PRIMARY KEY,
    raw json,
    tree jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(tree) IN ('object', 'array', 'string', 'number', 'boolean', 'null')),
    pairs hstore,
    branch ltree,
    words tsvector,
    wanted tsquery
);

CREATE TABLE networks (
    id integer PRIMARY KEY,
    address inet,
    network cidr,
    hardware macaddr,
    hardware8 macaddr8,
    flags bit(8),
    mask bit varying(16),
    written pg_lsn,
    transaction xid8,
    relation regclass,
    kind regtype
);

CREATE TABLE shapes (
    id integer PRIMARY KEY,
    spot point,
    endless line,
    piece lseg,
    frame box,
    way path,
    area polygon,
    round circle
);

CREATE TABLE ranges (
    id integer PRIMARY KEY,
    whole int4range,
    big int8range,
    exact numrange,
    moment tsrange,
    instant tstzrange,
    days daterange,
    floats float_span,
    many_whole int4multirange,
    many_days datemultirange,
    many_instants tstzmultirange
);

CREATE TABLE lists (
    id integer PRIMARY KEY,
    wholes integer[] NOT NULL DEFAULT '{}',
    grid integer[][],
    texts text[],
    numerics numeric(6, 2)[],
    instants timestamptz[],
    ids uuid[],
    trees jsonb[],
    moods mood[],
    blobs bytea[],
    days daterange[],
    flags boolean[]
);

CREATE TABLE composites (
    id integer PRIMARY KEY,
    paint colour,
    palette colour[],
    shares percentage[]
);
