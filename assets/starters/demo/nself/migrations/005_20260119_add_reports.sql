-- Questions asked every day, answered by the database.

-- UP

CREATE VIEW order_totals AS
SELECT o.id AS order_id,
       o.customer_id,
       o.status,
       o.placed_at,
       coalesce(sum(i.quantity), 0)::integer AS pieces,
       coalesce(sum(i.quantity * i.unit_price), 0)::numeric(12, 2) AS total
FROM orders o
LEFT JOIN order_items i ON i.order_id = o.id
GROUP BY o.id;
COMMENT ON VIEW order_totals IS 'Each order with what it comes to';
COMMENT ON COLUMN order_totals.pieces IS 'Pieces in the parcel';
COMMENT ON COLUMN order_totals.total IS 'In euros, tax included';

CREATE VIEW bestsellers AS
SELECT p.id AS product_id,
       p.name,
       c.name AS category,
       sum(i.quantity)::integer AS sold,
       sum(i.quantity * i.unit_price)::numeric(12, 2) AS revenue,
       (SELECT round(avg(r.rating), 1) FROM reviews r WHERE r.product_id = p.id) AS rating
FROM products p
JOIN categories c ON c.id = p.category_id
JOIN product_variants v ON v.product_id = p.id
JOIN order_items i ON i.variant_id = v.id
JOIN orders o ON o.id = i.order_id AND o.status <> 'cancelled'
GROUP BY p.id, c.name;
COMMENT ON VIEW bestsellers IS 'What was sold of each product, cancelled orders aside';
COMMENT ON COLUMN bestsellers.sold IS 'Pieces over all variants';
COMMENT ON COLUMN bestsellers.revenue IS 'In euros, tax included';
COMMENT ON COLUMN bestsellers.rating IS 'Mean of its reviews; null without any';

CREATE FUNCTION search_products(search text) RETURNS SETOF products
    LANGUAGE sql STABLE AS
$$
    SELECT p.*
    FROM products p
    WHERE p.active
      AND to_tsvector('english', p.name || ' ' || p.description) @@ websearch_to_tsquery('english', search)
    ORDER BY ts_rank(to_tsvector('english', p.name || ' ' || p.description), websearch_to_tsquery('english', search)) DESC,
             p.id
$$;
COMMENT ON FUNCTION search_products(text) IS 'Active products whose name or description matches, best match first';

-- DOWN

DROP FUNCTION search_products(text);
DROP VIEW bestsellers;
DROP VIEW order_totals;
