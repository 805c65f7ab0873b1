-- A film rental: domains, an enum, arrays, a search vector kept by a trigger, staff and stores that need one another,
-- payments partitioned by month, views and a rule-of-thumb function, as grown databases have them.

CREATE SEQUENCE shared_number START 1000;
CREATE TYPE audience AS ENUM ('G', 'PG', 'PG-13', 'R', 'NC-17');
CREATE DOMAIN release_year AS integer CHECK (VALUE >= 1901 AND VALUE <= 2155);
CREATE DOMAIN full_text AS text NOT NULL CHECK (length(VALUE) > 0);

CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN NEW.last_update := now(); RETURN NEW; END; $$;

CREATE TABLE language (
    language_id serial PRIMARY KEY,
    name character(20) NOT NULL UNIQUE,
    last_update timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE actor (
    actor_id serial PRIMARY KEY,
    first_name text NOT NULL,
    last_name text NOT NULL,
    last_update timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX actor_last_name ON actor (last_name);

CREATE TABLE category (
    category_id smallint PRIMARY KEY CHECK (category_id BETWEEN 1 AND 200),
    name varchar(25) NOT NULL
);

CREATE TABLE film (
    film_id integer PRIMARY KEY DEFAULT nextval('shared_number'),
    title full_text,
    description text,
    release_year release_year,
    language_id integer NOT NULL REFERENCES language ON UPDATE CASCADE ON DELETE RESTRICT,
    original_language_id integer REFERENCES language ON UPDATE CASCADE ON DELETE RESTRICT,
    rental_duration smallint NOT NULL DEFAULT 3 CHECK (rental_duration > 0),
    rental_rate numeric(4, 2) NOT NULL DEFAULT 4.99,
    length smallint CHECK (length IS NULL OR length > 0),
    replacement_cost numeric(5, 2) NOT NULL DEFAULT 19.99,
    rating audience DEFAULT 'G',
    special_features text[] CHECK (special_features <@ ARRAY['Trailers', 'Commentaries', 'Deleted Scenes', 'Behind the Scenes']),
    search tsvector,
    last_update timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX film_search ON film USING gist (search);
CREATE TRIGGER film_search_kept BEFORE INSERT OR UPDATE ON film
    FOR EACH ROW EXECUTE FUNCTION tsvector_update_trigger('search', 'pg_catalog.english', 'title', 'description');
CREATE TRIGGER film_touched BEFORE UPDATE ON film FOR EACH ROW EXECUTE FUNCTION touched();

CREATE TABLE film_actor (
    actor_id integer NOT NULL REFERENCES actor ON DELETE CASCADE,
    film_id integer NOT NULL REFERENCES film ON DELETE CASCADE,
    last_update timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (actor_id, film_id)
);

CREATE TABLE film_category (
    film_id integer NOT NULL REFERENCES film,
    category_id smallint NOT NULL REFERENCES category,
    PRIMARY KEY (film_id, category_id)
);

CREATE TABLE country (country_id serial PRIMARY KEY, country text NOT NULL UNIQUE);

CREATE TABLE city (
    city_id serial PRIMARY KEY,
    city text NOT NULL,
    country_id integer NOT NULL REFERENCES country
);

CREATE TABLE address (
    address_id serial PRIMARY KEY,
    address text NOT NULL,
    address2 text,
    district varchar(20) NOT NULL,
    city_id integer NOT NULL REFERENCES city,
    postal_code varchar(10),
    phone varchar(20) NOT NULL
);

-- A store has a manager, who is staff; staff work in a store: a circle whose one edge is deferrable.
CREATE TABLE store (
    store_id smallint PRIMARY KEY,
    manager_id smallint NOT NULL UNIQUE,
    address_id integer NOT NULL REFERENCES address
);

CREATE TABLE staff (
    staff_id smallint PRIMARY KEY,
    first_name text NOT NULL,
    last_name text NOT NULL,
    address_id integer NOT NULL REFERENCES address,
    email varchar(50),
    store_id smallint NOT NULL REFERENCES store,
    active boolean NOT NULL DEFAULT true,
    username varchar(16) NOT NULL,
    password text,
    picture bytea
);
ALTER TABLE store ADD CONSTRAINT store_manager FOREIGN KEY (manager_id) REFERENCES staff DEFERRABLE INITIALLY DEFERRED;

CREATE TABLE customer (
    customer_id serial PRIMARY KEY,
    store_id smallint NOT NULL REFERENCES store,
    first_name text NOT NULL,
    last_name text NOT NULL,
    email text CHECK (email ~ '^[^@]+@[^@]+\.[a-z]{2,}$'),
    address_id integer NOT NULL REFERENCES address,
    activebool boolean NOT NULL DEFAULT true,
    create_date date NOT NULL DEFAULT current_date,
    active integer
);

CREATE TABLE inventory (
    inventory_id serial PRIMARY KEY,
    film_id integer NOT NULL REFERENCES film,
    store_id smallint NOT NULL REFERENCES store
);

CREATE TABLE rental (
    rental_id serial PRIMARY KEY,
    rental_date timestamptz NOT NULL,
    inventory_id integer NOT NULL REFERENCES inventory,
    customer_id integer NOT NULL REFERENCES customer,
    return_date timestamptz CHECK (return_date >= rental_date),
    staff_id smallint NOT NULL REFERENCES staff,
    UNIQUE (rental_date, inventory_id, customer_id)
);

CREATE TABLE payment (
    payment_id bigint NOT NULL DEFAULT nextval('shared_number'),
    customer_id integer NOT NULL,
    staff_id smallint NOT NULL,
    rental_id integer NOT NULL,
    amount numeric(5, 2) NOT NULL CHECK (amount >= 0),
    payment_date timestamptz NOT NULL,
    PRIMARY KEY (payment_date, payment_id)
) PARTITION BY RANGE (payment_date);
CREATE TABLE payment_2022_01 PARTITION OF payment FOR VALUES FROM ('2022-01-01 00:00:00+00') TO ('2022-02-01 00:00:00+00');
CREATE TABLE payment_2022_02 PARTITION OF payment FOR VALUES FROM ('2022-02-01 00:00:00+00') TO ('2022-03-01 00:00:00+00');
CREATE TABLE payment_2022_03 PARTITION OF payment FOR VALUES FROM ('2022-03-01 00:00:00+00') TO ('2022-04-01 00:00:00+00');
ALTER TABLE payment ADD FOREIGN KEY (customer_id) REFERENCES customer;
ALTER TABLE payment ADD FOREIGN KEY (staff_id) REFERENCES staff;
ALTER TABLE payment ADD FOREIGN KEY (rental_id) REFERENCES rental;

CREATE VIEW customer_list AS
SELECT c.customer_id AS id, c.first_name || ' ' || c.last_name AS name, a.address, ci.city, co.country
FROM customer c JOIN address a USING (address_id) JOIN city ci USING (city_id) JOIN country co USING (country_id);
CREATE MATERIALIZED VIEW sales_by_store AS
SELECT s.store_id, sum(p.amount) AS total FROM payment p JOIN staff s USING (staff_id) GROUP BY s.store_id;
