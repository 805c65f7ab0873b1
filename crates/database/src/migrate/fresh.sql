-- Everything that the project has made: its own schemas whole, and in schemas that others need too (`public`, or one that
-- holds an extension's objects) the objects one by one. Left alone are PostgreSQL's own schemas, those that nself's services
-- keep ($1), and what belongs to an extension, or to another object as a part. One row an object: the statement that drops it.
WITH spaces AS (
    SELECT n.oid, n.nspname,
        n.nspname = 'public' OR EXISTS (
            SELECT 1 FROM pg_depend inside JOIN pg_depend extension
                ON extension.classid = inside.classid AND extension.objid = inside.objid AND extension.deptype = 'e'
            WHERE inside.refclassid = 'pg_namespace'::regclass AND inside.refobjid = n.oid) AS shared
    FROM pg_namespace n
    WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema' AND n.nspname <> ALL ($1::text[])
        AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE classid = 'pg_namespace'::regclass AND objid = n.oid AND deptype = 'e')
), objects AS (
    SELECT DISTINCT o.classid, o.objid
    FROM spaces s
    JOIN pg_depend o ON o.refclassid = 'pg_namespace'::regclass AND o.refobjid = s.oid AND o.deptype = 'n'
    WHERE s.shared
        -- Of these the catalogs hold what DROP names; default privileges and the like go with nothing.
        AND o.classid IN ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass, 'pg_collation'::regclass,
            'pg_conversion'::regclass, 'pg_operator'::regclass, 'pg_opclass'::regclass, 'pg_opfamily'::regclass,
            'pg_ts_config'::regclass, 'pg_ts_dict'::regclass, 'pg_ts_parser'::regclass, 'pg_ts_template'::regclass,
            'pg_statistic_ext'::regclass)
        -- A partitioned table is a part of itself, of its key's columns.
        AND NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.classid = o.classid AND e.objid = o.objid
            AND (e.deptype = 'e' OR (e.deptype = 'i' AND (e.refclassid, e.refobjid) <> (o.classid, o.objid))))
)
SELECT format('DROP SCHEMA IF EXISTS %I CASCADE', nspname), 0 AS place FROM spaces WHERE NOT shared
UNION ALL
SELECT format('DROP %s IF EXISTS %s CASCADE',
           CASE upper(i.type) WHEN 'STATISTICS OBJECT' THEN 'STATISTICS' WHEN 'COMPOSITE TYPE' THEN 'TYPE' ELSE upper(i.type) END,
           i.identity),
       CASE WHEN o.classid = 'pg_class'::regclass THEN 1 ELSE 2 END
FROM objects o, pg_identify_object(o.classid, o.objid, 0) i
ORDER BY place
