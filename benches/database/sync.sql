-- People with what people have, and what they did.
CREATE TABLE people (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL UNIQUE,
    first_name text NOT NULL,
    last_name text NOT NULL,
    phone varchar(20),
    street text,
    city text,
    born date,
    ip inet,
    profile jsonb,
    active boolean NOT NULL,
    created_at timestamptz NOT NULL
);
INSERT INTO people (email, first_name, last_name, phone, street, city, born, ip, profile, active, created_at)
    SELECT 'person' || g || '@corp.io', 'Alice', 'Johnson' || g % 1000, '+49 30 ' || 1000000 + g, g % 200 || ' High Street',
        'Leeds', '1950-01-01'::date + g % 20000, '10.0.0.0'::inet + g,
        jsonb_build_object('email', 'person' || g || '@corp.io', 'theme', 'dark'), g % 3 = 0, '2026-01-01'::timestamptz + g * interval '1 second'
    FROM generate_series(1, :rows) g;
ANALYZE;
