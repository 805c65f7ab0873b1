SELECT t.name,
       (xpath('/row/rows/text()', x.document))[1]::text AS rows,
       (xpath('/row/hash/text()', x.document))[1]::text AS hash
FROM (
    SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm') AND n.nspname NOT LIKE 'pg\_%'
      AND n.nspname NOT IN ('information_schema', 'auth', 'storage', 'mail', 'nself', 'hdb_catalog')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
) t,
LATERAL (SELECT query_to_xml(format(
    'SELECT count(*) AS rows, md5(coalesce(string_agg(md5(r::text), '''' ORDER BY md5(r::text)), '''')) AS hash FROM ONLY %s r',
    t.name), false, true, '') AS document) x
ORDER BY t.name COLLATE "C"
