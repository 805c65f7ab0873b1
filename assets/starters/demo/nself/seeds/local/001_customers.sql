-- Invented people for development. Every run on every machine gives the same rows: each value follows from the row's
-- number. Addresses end in example.com, which belongs to nobody.

INSERT INTO customers (id, email, name, phone, newsletter, created_at, updated_at)
SELECT n,
       lower(first) || '.' || lower(last) || '@example.com',
       first || ' ' || last,
       CASE WHEN n % 3 <> 0 THEN '+31 10 555 ' || lpad(((n * 137) % 10000)::text, 4, '0') END,
       n % 4 = 1,
       joined, joined
FROM (
    SELECT n,
           (ARRAY['Ada', 'Bram', 'Carla', 'Dmitri', 'Elif', 'Farid', 'Greta', 'Hiro', 'Ines', 'Jonas'])[1 + n % 10] AS first,
           (ARRAY['Abbott', 'Brandt', 'Costa', 'Dahl', 'Evans', 'Fischer'])[1 + n / 10] AS last,
           timestamptz '2026-01-05 09:00+00' + n * interval '11 hours 17 minutes' AS joined
    FROM generate_series(1, 59) AS n
) AS person
ON CONFLICT (id) DO NOTHING;

INSERT INTO addresses (id, customer_id, label, street, postal_code, city, country)
SELECT c.id * 2 + kind,
       c.id,
       (ARRAY['home', 'work'])[1 + kind],
       (ARRAY['Harbour Street', 'Mill Lane', 'Station Road', 'Linden Avenue', 'Old Market'])[1 + (c.id + kind) % 5]
           || ' ' || (c.id * 7 + kind * 3) % 120 + 1,
       place.code || (c.id * 11 + kind) % 90,
       place.city,
       place.country
FROM customers c
CROSS JOIN generate_series(0, 1) AS kind
JOIN (VALUES
    (0, 'Rotterdam', 'NL', '30'), (1, 'Vienna', 'AT', '10'), (2, 'Porto', 'PT', '40'),
    (3, 'Leeds', 'GB', 'LS'), (4, 'Turin', 'IT', '101'), (5, 'Lyon', 'FR', '690')
) AS place (number, city, country, code) ON place.number = (c.id * 5 + kind * 2) % 6
WHERE kind = 0 OR c.id % 2 = 0
ON CONFLICT (id) DO NOTHING;

SELECT setval(pg_get_serial_sequence('customers', 'id'), (SELECT max(id) FROM customers)),
       setval(pg_get_serial_sequence('addresses', 'id'), (SELECT max(id) FROM addresses));
