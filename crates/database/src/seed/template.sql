-- {title}
--
-- Runs in one transaction, and again whenever this file changes: write rows so that a second run does no harm.
--
-- INSERT INTO things (id, name) VALUES (1, 'First')
--     ON CONFLICT (id) DO UPDATE SET name = excluded.name;

