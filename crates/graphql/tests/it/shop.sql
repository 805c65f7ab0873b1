CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%');
CREATE TABLE users (
    id serial PRIMARY KEY,
    name text NOT NULL,
    email email UNIQUE,
    mood mood NOT NULL DEFAULT 'ok',
    tags text[] NOT NULL DEFAULT '{}',
    settings jsonb NOT NULL DEFAULT '{}',
    is_admin boolean NOT NULL DEFAULT false,
    manager_id int REFERENCES users,
    created_at timestamptz NOT NULL DEFAULT '2024-01-02 03:04:05.678+00'
);
COMMENT ON TABLE users IS 'People who buy and sell.';
COMMENT ON COLUMN users.name IS 'What they are called.';
CREATE TABLE profiles (user_id int PRIMARY KEY REFERENCES users, bio text);
CREATE TABLE products (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    price numeric(12, 2) NOT NULL,
    stock bigint NOT NULL DEFAULT 0,
    weight float8,
    seller_id int NOT NULL REFERENCES users,
    on_sale boolean NOT NULL DEFAULT false
);
CREATE TABLE orders (
    id bigint PRIMARY KEY,
    user_id int NOT NULL REFERENCES users,
    placed_on date NOT NULL,
    note varchar(40)
);
CREATE TABLE order_lines (
    order_id bigint NOT NULL REFERENCES orders,
    line smallint NOT NULL,
    product_id uuid NOT NULL REFERENCES products,
    quantity int NOT NULL,
    PRIMARY KEY (order_id, line)
);
CREATE TABLE line_notes (
    id int PRIMARY KEY,
    order_id bigint,
    line smallint,
    body text,
    FOREIGN KEY (order_id, line) REFERENCES order_lines
);
CREATE TABLE messages (
    id int PRIMARY KEY,
    sender_id int NOT NULL REFERENCES users,
    recipient_id int NOT NULL REFERENCES users,
    body text
);
CREATE TABLE logs (happened timestamp, line json);
CREATE TABLE "odd-name" (id int PRIMARY KEY);
CREATE TABLE mixed ("Case" int PRIMARY KEY, "odd-column" int, "$row" int, "select" text);
CREATE VIEW happy_users AS SELECT id, name FROM users WHERE mood = 'happy';
CREATE TABLE measures (id int, at date, value real) PARTITION BY RANGE (at);
CREATE TABLE measures_2024 PARTITION OF measures FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');

INSERT INTO users (name, email, mood, tags, settings, is_admin, manager_id) VALUES
    ('Ada', 'ada@example.org', 'happy', '{math,"quoted \"tag\""}', '{"theme": "dark", "size": {"w": 3}}', true, NULL),
    ('Bob', NULL, 'ok', '{}', '{"theme": "light"}', false, 1),
    ('Cyd', 'cyd@example.org', 'sad', '{math}', '{}', false, 1),
    ('D''Artagnan "%_\', NULL, 'happy', '{}', '{"admin": true}', false, 2);
INSERT INTO profiles VALUES (1, 'first programmer'), (3, NULL);
INSERT INTO products VALUES
    ('00000000-0000-0000-0000-000000000001', 'Anvil', 99.90, 9007199254740993, 50.5, 1, false),
    ('00000000-0000-0000-0000-000000000002', 'Bell', 5.00, 10, NULL, 1, true),
    ('00000000-0000-0000-0000-000000000003', 'Cup', 3.25, 0, 0.2, 2, false);
INSERT INTO orders VALUES (1, 2, '2024-02-01', 'quick'), (2, 2, '2024-03-01', NULL), (3, 3, '2024-03-01', 'slow');
INSERT INTO order_lines VALUES
    (1, 1, '00000000-0000-0000-0000-000000000001', 1),
    (1, 2, '00000000-0000-0000-0000-000000000002', 4),
    (2, 1, '00000000-0000-0000-0000-000000000002', 2),
    (3, 1, '00000000-0000-0000-0000-000000000003', 6);
INSERT INTO line_notes VALUES (1, 1, 2, 'wrap'), (2, NULL, NULL, 'loose');
INSERT INTO messages VALUES (1, 1, 2, 'hello'), (2, 2, 1, 'hi'), (3, 1, 3, NULL);
INSERT INTO logs VALUES ('2024-01-01 10:00:00', '{"b": 1, "a": [1, 2]}');
INSERT INTO mixed VALUES (1, 2, 3, 'four');
INSERT INTO measures VALUES (1, '2024-05-05', 1.5);
