-- Orders, what is in them, what was paid, and what people said about it.

INSERT INTO orders (id, customer_id, shipping_address_id, status, note, placed_at, shipped_at)
SELECT n,
       customer_id,
       customer_id * 2,
       status,
       CASE WHEN n % 9 = 4 THEN 'Please ring twice' WHEN n % 23 = 7 THEN 'A present: no bill in the parcel' END,
       placed_at,
       CASE WHEN status IN ('shipped', 'delivered') THEN placed_at + (1 + n % 3) * interval '1 day' END
FROM (
    SELECT n,
           1 + (n * n + 7 * n) % 59 AS customer_id,
           (CASE
               WHEN n % 17 = 3 THEN 'cancelled'
               WHEN n > 145 THEN 'pending'
               WHEN n > 130 THEN 'paid'
               WHEN n > 110 THEN 'shipped'
               ELSE 'delivered'
           END)::order_status AS status,
           timestamptz '2026-02-03 07:30+00' + n * interval '13 hours 41 minutes' AS placed_at
    FROM generate_series(1, 150) AS n
) AS basket
ON CONFLICT (id) DO NOTHING;

-- One to four lines an order; early products are picked more often, as on a real shelf.
INSERT INTO order_items (order_id, variant_id, quantity, unit_price)
SELECT o.id, v.id, 1 + (o.id + line) % 3, v.price
FROM orders o
CROSS JOIN generate_series(1, 4) AS line
JOIN (SELECT id, price, row_number() OVER (ORDER BY id) AS position FROM product_variants) AS v
    ON v.position = 1 + ((o.id * line * 31 + line * 17) % 62) * ((o.id * 7 + line) % 10 + 3) / 13
WHERE line <= 1 + o.id % 4
ON CONFLICT (order_id, variant_id) DO NOTHING;

INSERT INTO payments (id, order_id, method, paid, received_on)
SELECT ('5e11e400-0000-4000-8000-' || lpad(to_hex(t.order_id), 12, '0'))::uuid,
       t.order_id,
       (ARRAY['card', 'card', 'transfer', 'voucher'])[1 + t.order_id % 4]::payment_method,
       t.total,
       (t.placed_at AT TIME ZONE 'UTC')::date + (t.order_id % 2)::integer
FROM order_totals t
WHERE t.status NOT IN ('pending', 'cancelled') AND t.total > 0
ON CONFLICT (id) DO NOTHING;

INSERT INTO reviews (product_id, customer_id, rating, title, body, created_at)
SELECT bought.product_id,
       bought.customer_id,
       opinion.rating,
       opinion.title,
       opinion.body,
       bought.placed_at + interval '9 days'
FROM (
    SELECT v.product_id, o.customer_id, min(o.placed_at) AS placed_at,
           (v.product_id * 13 + o.customer_id * 5) % 8 AS mood
    FROM orders o
    JOIN order_items i ON i.order_id = o.id
    JOIN product_variants v ON v.id = i.variant_id
    WHERE o.status = 'delivered' AND (v.product_id + o.customer_id) % 3 <> 0
    GROUP BY v.product_id, o.customer_id
) AS bought
JOIN (VALUES
    (0, 5, 'Wonderful', 'The best I have had in years.'),
    (1, 4, 'Very good', 'Would buy it again.'),
    (2, 5, 'Exactly right', NULL),
    (3, 3, 'All right', 'Nothing wrong with it, nothing special.'),
    (4, 4, 'A nice surprise', 'Came a day early as well.'),
    (5, 2, 'Not for me', 'Too mild for my taste.'),
    (6, 5, 'Our new favourite', 'Half of it was gone after the weekend.'),
    (7, 1, 'Arrived broken', 'The parcel was wet. The shop sent another at once.')
) AS opinion (mood, rating, title, body) ON opinion.mood = bought.mood
ORDER BY bought.placed_at, bought.product_id
ON CONFLICT (product_id, customer_id) DO NOTHING;

SELECT setval(pg_get_serial_sequence('orders', 'id'), (SELECT max(id) FROM orders));
