-- The catalogue: every environment sells the same things. Safe to run again: rows that are there are brought up to date.

INSERT INTO categories (id, parent_id, slug, name, position) VALUES
    (1, NULL, 'coffee', 'Coffee', 1),
    (2, NULL, 'tea', 'Tea', 2),
    (3, NULL, 'brewing', 'Brewing', 3),
    (4, NULL, 'gifts', 'Gifts', 4),
    (5, 1, 'espresso', 'Espresso', 1),
    (6, 1, 'filter', 'Filter', 2),
    (7, 1, 'decaf', 'Decaf', 3),
    (8, 2, 'green-tea', 'Green tea', 1),
    (9, 2, 'black-tea', 'Black tea', 2),
    (10, 2, 'herbal-tea', 'Herbal tea', 3),
    (11, 3, 'grinders', 'Grinders', 1),
    (12, 3, 'kettles', 'Kettles', 2),
    (13, 3, 'cups', 'Cups', 3),
    (14, 3, 'drippers', 'Drippers', 4)
ON CONFLICT (id) DO UPDATE
    SET parent_id = excluded.parent_id, slug = excluded.slug, name = excluded.name, position = excluded.position;

INSERT INTO products (id, category_id, slug, name, description, tags, active, created_at, updated_at)
SELECT id, category_id, slug, name, description, tags::text[], active,
       timestamptz '2026-01-02 08:00+00' + id * interval '7 hours',
       timestamptz '2026-01-02 08:00+00' + id * interval '7 hours'
FROM (VALUES
    (1, 5, 'night-shift', 'Night Shift', 'Dark espresso blend with cocoa and toasted almond', '{dark,blend}', true),
    (2, 5, 'piazza', 'Piazza', 'Classic Italian espresso, syrupy, with hazelnut', '{dark,classic}', true),
    (3, 5, 'red-brick', 'Red Brick', 'Bright modern espresso with red berries', '{light,seasonal}', true),
    (4, 5, 'barn-owl', 'Barn Owl', 'Organic espresso from a single cooperative in Peru', '{organic,single-origin}', true),
    (5, 6, 'yirgacheffe', 'Yirgacheffe', 'Washed Ethiopian coffee with jasmine and bergamot', '{light,single-origin}', true),
    (6, 6, 'huila', 'Huila', 'Colombian filter coffee with caramel and red apple', '{medium,single-origin}', true),
    (7, 6, 'kiambu', 'Kiambu', 'Kenyan peaberry, blackcurrant and tomato leaf', '{light,single-origin,limited}', true),
    (8, 6, 'sunday-paper', 'Sunday Paper', 'Round filter blend for a long breakfast', '{medium,blend}', true),
    (9, 7, 'lullaby', 'Lullaby', 'Decaffeinated with sugar cane, sweet and full', '{decaf,medium}', true),
    (10, 7, 'second-cup', 'Second Cup', 'Half caffeine blend for the afternoon', '{decaf,blend}', true),
    (11, 8, 'sencha', 'Sencha', 'Steamed Japanese green tea, fresh grass and sea air', '{japan,organic}', true),
    (12, 8, 'dragon-well', 'Dragon Well', 'Pan fired Chinese green tea with chestnut', '{china}', true),
    (13, 8, 'genmaicha', 'Genmaicha', 'Green tea with roasted rice', '{japan,classic}', true),
    (14, 9, 'assam', 'Assam', 'Malty black tea that stands up to milk', '{india,classic}', true),
    (15, 9, 'darjeeling', 'Darjeeling', 'First flush black tea, light and flowery', '{india,seasonal}', true),
    (16, 9, 'earl-grey', 'Earl Grey', 'Black tea with real bergamot oil', '{classic,blend}', true),
    (17, 10, 'peppermint', 'Peppermint', 'Whole peppermint leaves from the Danube', '{organic}', true),
    (18, 10, 'rooibos', 'Rooibos', 'Red bush from the Cederberg, naturally sweet', '{organic,classic}', true),
    (19, 10, 'ginger-garden', 'Ginger Garden', 'Ginger, lemon grass and a little liquorice', '{blend}', true),
    (20, 11, 'hand-grinder', 'Hand Grinder', 'Steel burrs, forty clicks, fits a backpack', '{steel,travel}', true),
    (21, 11, 'bench-grinder', 'Bench Grinder', 'Quiet electric grinder with flat burrs', '{electric}', true),
    (22, 12, 'gooseneck-kettle', 'Gooseneck Kettle', 'Pours as slowly as you like', '{steel}', true),
    (23, 12, 'variable-kettle', 'Variable Kettle', 'Electric kettle that holds the temperature you set', '{electric}', true),
    (24, 13, 'flat-white-cup', 'Flat White Cup', 'Stoneware cup for a flat white', '{stoneware}', true),
    (25, 13, 'travel-mug', 'Travel Mug', 'Keeps coffee hot for six hours', '{steel,travel}', true),
    (26, 13, 'tea-bowl', 'Tea Bowl', 'Hand thrown bowl, each a little different', '{stoneware,limited}', true),
    (27, 14, 'cone-dripper', 'Cone Dripper', 'Old shelf: discontinued plastic dripper', '{}', false),
    (28, 14, 'glass-dripper', 'Glass Dripper', 'Filter dripper of heat proof glass', '{glass}', true),
    (29, 14, 'paper-filters', 'Paper Filters', 'A hundred unbleached filter papers', '{classic}', true),
    (30, 4, 'tasting-box', 'Tasting Box', 'Four coffees and a card to write down what you taste', '{blend,limited}', true)
) AS product (id, category_id, slug, name, description, tags, active)
ON CONFLICT (id) DO UPDATE
    SET category_id = excluded.category_id, slug = excluded.slug, name = excluded.name,
        description = excluded.description, tags = excluded.tags, active = excluded.active;

-- Coffee comes in three bags, tea in two tins, everything else in one or two colours.
INSERT INTO product_variants (id, product_id, sku, name, price, attributes)
SELECT p.id * 10 + v.position,
       p.id,
       upper(left(replace(p.slug, '-', ''), 5)) || '-' || p.id || v.position,
       v.name,
       round(v.base + (p.id * 37 % 11) * v.step, 2),
       v.attributes::jsonb
FROM products p
JOIN (VALUES
    ('coffee', 1, '250 g', 8.90, 0.30, '{"grams": 250}'),
    ('coffee', 2, '500 g', 16.50, 0.55, '{"grams": 500}'),
    ('coffee', 3, '1 kg', 30.90, 1.00, '{"grams": 1000}'),
    ('tea', 1, '75 g', 6.40, 0.25, '{"grams": 75}'),
    ('tea', 2, '200 g', 14.20, 0.60, '{"grams": 200}'),
    ('brewing', 1, 'black', 14.00, 7.50, '{"colour": "black"}'),
    ('brewing', 2, 'white', 15.00, 7.50, '{"colour": "white"}'),
    ('gifts', 1, 'with card', 39.00, 0.00, '{"card": true}')
) AS v (shelf, position, name, base, step, attributes)
    ON v.shelf = CASE
        WHEN p.category_id IN (5, 6, 7) THEN 'coffee'
        WHEN p.category_id IN (8, 9, 10) THEN 'tea'
        WHEN p.category_id = 4 THEN 'gifts'
        ELSE 'brewing'
    END
ON CONFLICT (id) DO UPDATE
    SET sku = excluded.sku, name = excluded.name, price = excluded.price, attributes = excluded.attributes;

INSERT INTO stock_levels (variant_id, warehouse, quantity)
SELECT v.id, w.warehouse, (v.id * w.factor) % w.most
FROM product_variants v
CROSS JOIN (VALUES ('Rotterdam', 13, 90), ('Vienna', 7, 40)) AS w (warehouse, factor, most)
ON CONFLICT (variant_id, warehouse) DO NOTHING;

SELECT setval(pg_get_serial_sequence('categories', 'id'), (SELECT max(id) FROM categories)),
       setval(pg_get_serial_sequence('products', 'id'), (SELECT max(id) FROM products)),
       setval(pg_get_serial_sequence('product_variants', 'id'), (SELECT max(id) FROM product_variants));
