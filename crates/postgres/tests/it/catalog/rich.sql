-- One of everything the catalog model describes.
CREATE SCHEMA shop;
COMMENT ON SCHEMA shop IS 'The shop';
CREATE SCHEMA "Odd Names";
CREATE SCHEMA hidden;
CREATE EXTENSION citext SCHEMA public;

CREATE TYPE shop.status AS ENUM ('new', 'paid', 'sent');
ALTER TYPE shop.status ADD VALUE 'packed' BEFORE 'sent';
COMMENT ON TYPE shop.status IS 'Where an order is';
CREATE DOMAIN shop.email AS varchar(320) NOT NULL DEFAULT 'nobody@example.org' CONSTRAINT email_shape CHECK (VALUE ~ '@');
CREATE TYPE shop.address AS (street text, zip char(5), tags text[]);
CREATE TYPE shop.price_range AS RANGE (subtype = float8, subtype_diff = float8mi);

CREATE TABLE shop.customers (
    id bigint GENERATED ALWAYS AS IDENTITY (START 100 CACHE 5) PRIMARY KEY,
    email shop.email,
    nick public.citext,
    name text COLLATE "C" NOT NULL,
    balance numeric(12, 2) DEFAULT 0 NOT NULL CHECK (balance >= 0),
    born date DEFAULT '2000-01-31',
    home shop.address,
    tags text[] NOT NULL DEFAULT '{}',
    history shop.status[],
    dropped_one integer,
    shout text GENERATED ALWAYS AS (upper(name)) STORED,
    CONSTRAINT customers_email_key UNIQUE (email) DEFERRABLE INITIALLY DEFERRED
);
ALTER TABLE shop.customers DROP COLUMN dropped_one;
ALTER TABLE shop.customers ALTER COLUMN name SET STATISTICS 200;
ALTER TABLE shop.customers ALTER COLUMN shout SET STORAGE EXTERNAL;
COMMENT ON TABLE shop.customers IS 'People who "buy"';
COMMENT ON COLUMN shop.customers.name IS 'As they write it';
CREATE INDEX customers_name_idx ON shop.customers (lower(name) text_pattern_ops DESC NULLS LAST) INCLUDE (balance) WHERE balance > 0;
CREATE INDEX customers_tags_idx ON shop.customers USING gin (tags) WITH (fastupdate = off);
COMMENT ON INDEX shop.customers_tags_idx IS 'By tag';
CREATE UNIQUE INDEX customers_nick_idx ON shop.customers (nick);

CREATE TABLE shop.orders (
    id serial PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES shop.customers ON DELETE CASCADE ON UPDATE RESTRICT DEFERRABLE,
    status shop.status NOT NULL DEFAULT 'new',
    placed timestamptz NOT NULL DEFAULT now(),
    note text,
    during tstzrange,
    total numeric,
    EXCLUDE USING gist (during WITH &&)
) WITH (fillfactor = 70, autovacuum_enabled = off);
ALTER TABLE shop.orders ADD CONSTRAINT orders_total_check CHECK (total > 0 OR note IS NOT NULL) NOT VALID;
CREATE STATISTICS shop.orders_stats (dependencies) ON customer_id, status FROM shop.orders;

CREATE TABLE shop.lines (
    order_id integer NOT NULL,
    number smallint NOT NULL,
    parent_order integer,
    parent_number smallint,
    PRIMARY KEY (order_id, number) INCLUDE (parent_order),
    FOREIGN KEY (parent_order, parent_number) REFERENCES shop.lines (order_id, number) MATCH FULL
);
ALTER TABLE shop.lines ADD CONSTRAINT lines_order_fk FOREIGN KEY (order_id) REFERENCES shop.orders (id) ON DELETE SET NULL NOT VALID;

CREATE TABLE shop.events (id bigint, at timestamptz NOT NULL, body jsonb, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE shop.events_2024 PARTITION OF shop.events FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2025-01-01 00:00+00');
CREATE TABLE shop.events_rest PARTITION OF shop.events DEFAULT;
CREATE INDEX events_body_idx ON shop.events USING gin (body);
CREATE TABLE shop.event_notes (
    event_id bigint, event_at timestamptz, FOREIGN KEY (event_id, event_at) REFERENCES shop.events);

CREATE TABLE shop.base (a integer NOT NULL, CONSTRAINT base_a CHECK (a > 0));
CREATE UNLOGGED TABLE shop.child (b integer) INHERITS (shop.base);
CREATE TABLE "Odd Names"."Select ""it""" ("the Id" integer PRIMARY KEY, "ünï" text);
CREATE TABLE hidden.secrets (id integer PRIMARY KEY, value text NOT NULL);

CREATE VIEW shop.open_orders WITH (check_option = local) AS
    SELECT o.id, o.status, o.placed FROM shop.orders o WHERE o.status <> 'sent';
DO $$ BEGIN
    IF current_setting('server_version_num')::int >= 150000 THEN
        ALTER VIEW shop.open_orders SET (security_invoker = on);
    END IF;
END $$;
CREATE VIEW shop.overview WITH (security_barrier = true) AS
    SELECT c.id AS customer, c.name, o.id AS last_order, o.status, s.value AS secret, upper(c.name) AS loud
    FROM shop.customers c
    LEFT JOIN (SELECT * FROM shop.orders WHERE total > 1) o ON o.customer_id = c.id
    JOIN hidden.secrets s ON s.id = c.id;
CREATE VIEW shop.above AS SELECT v.customer AS who, v.last_order, v.loud FROM shop.overview v;
CREATE VIEW shop.both AS SELECT id FROM shop.orders UNION ALL SELECT order_id FROM shop.lines;
CREATE VIEW shop.totals AS SELECT customer_id, count(*) AS n FROM shop.orders GROUP BY ROLLUP (customer_id);
CREATE VIEW shop.joined AS SELECT * FROM shop.orders JOIN (SELECT id AS customer_id, name FROM shop.customers) c USING (customer_id);
CREATE VIEW shop.with_cte AS WITH big AS (SELECT id, total FROM shop.orders) SELECT id, total FROM big;
CREATE VIEW shop.full_join AS SELECT a.name AS left_name, b.id AS right_id FROM shop.customers a FULL JOIN shop.orders b ON a.id = b.customer_id;
CREATE MATERIALIZED VIEW shop.cached AS SELECT customer_id, sum(total) AS sum FROM shop.orders GROUP BY customer_id WITH NO DATA;
CREATE UNIQUE INDEX cached_customer_idx ON shop.cached (customer_id);

CREATE FUNCTION shop.add(a integer, b integer DEFAULT 1) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT a + b';
CREATE FUNCTION shop.add(a text, VARIADIC rest text[]) RETURNS text LANGUAGE sql STABLE AS $$SELECT a || array_to_string(rest, '')$$;
CREATE FUNCTION shop.find(needle text, OUT id bigint, OUT name text) RETURNS SETOF record LANGUAGE sql AS 'SELECT id, name FROM shop.customers';
CREATE FUNCTION shop.top(n integer) RETURNS TABLE (id bigint, total numeric) LANGUAGE sql
    STABLE SECURITY DEFINER SET search_path = '' ROWS 10 AS 'SELECT 1::bigint, 2::numeric';
CREATE FUNCTION shop.orders_of(c shop.customers) RETURNS SETOF shop.orders LANGUAGE sql STABLE
    BEGIN ATOMIC SELECT * FROM shop.orders WHERE orders.customer_id = (c).id; END;
COMMENT ON FUNCTION shop.orders_of IS 'Computed field';
CREATE PROCEDURE shop.tidy() LANGUAGE plpgsql AS 'BEGIN END';
CREATE AGGREGATE shop.join_all(text) (sfunc = textcat, stype = text);
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touch_order BEFORE INSERT OR UPDATE OF status, note ON shop.orders FOR EACH ROW WHEN (NEW.note <> '') EXECUTE FUNCTION shop.touch();
CREATE CONSTRAINT TRIGGER late AFTER DELETE ON shop.orders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION shop.touch();
ALTER TABLE shop.orders DISABLE TRIGGER touch_order;
CREATE TRIGGER touch_event BEFORE INSERT ON shop.events FOR EACH ROW EXECUTE FUNCTION shop.touch();
CREATE FUNCTION shop.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER watch_ddl ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION shop.on_ddl();

ALTER TABLE shop.customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_row ON shop.customers AS RESTRICTIVE FOR UPDATE TO CURRENT_USER USING (id > 1) WITH CHECK (id > 2);
CREATE POLICY see ON shop.customers FOR SELECT USING (true);
GRANT SELECT ON shop.orders TO PUBLIC;
GRANT UPDATE (note) ON shop.orders TO PUBLIC;
GRANT USAGE ON SCHEMA shop TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO PUBLIC;

CREATE SEQUENCE shop.invoice AS integer INCREMENT 10 MINVALUE 5 MAXVALUE 5000 START 15 CYCLE;
CREATE PUBLICATION feed FOR TABLE shop.orders, shop.lines WITH (publish = 'insert, update');
