-- Reads a database's catalog as one JSON document, in the shape of catalog::Document.
--
-- Three statements in one simple query: settings, the document, settings back. They run in one transaction, the
-- caller's or an implicit one, so the settings are gone with it or restored inside it. The first statement must have
-- run before the second is planned: with jit on, compiling the many expressions would cost seconds, nested loops over
-- the common table expressions (which carry no statistics) are quadratic in the number of tables, and a bare
-- search_path makes every deparsed expression and type carry its schema.
--
-- nself.catalog_schemas holds the wanted schemas as a JSON array; an empty one stands for every user schema.
--
-- Works on PostgreSQL 14 to 18. A column that an older version lacks is named without its table inside a LATERAL whose
-- outer query offers a default under the same name: the inner scope wins where the column exists.
SELECT set_config('nself.saved_search_path', current_setting('search_path'), true),
       set_config('nself.saved_datestyle', current_setting('DateStyle'), true),
       set_config('nself.saved_intervalstyle', current_setting('IntervalStyle'), true),
       set_config('nself.saved_timezone', current_setting('TimeZone'), true),
       set_config('nself.saved_jit', current_setting('jit'), true),
       set_config('nself.saved_nestloop', current_setting('enable_nestloop'), true),
       set_config('nself.saved_work_mem', current_setting('work_mem'), true),
       set_config('search_path', 'pg_catalog', true),
       set_config('DateStyle', 'ISO', true),
       set_config('IntervalStyle', 'postgres', true),
       set_config('TimeZone', 'UTC', true),
       set_config('jit', 'off', true),
       set_config('enable_nestloop', 'off', true),
       set_config('work_mem', '64MB', true);

WITH
user_schema AS MATERIALIZED (
    SELECT oid, nspname, nspowner FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
),
wanted AS MATERIALIZED (
    SELECT oid, nspname, nspowner
    FROM pg_namespace
    WHERE CASE
        WHEN current_setting('nself.catalog_schemas')::jsonb = '[]' THEN oid IN (SELECT oid FROM user_schema)
        ELSE current_setting('nself.catalog_schemas')::jsonb ? nspname::text
    END
),
relation AS MATERIALIZED (
    SELECT c.*, n.nspname
    FROM pg_class c JOIN wanted n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
),
-- What many kinds of objects share: comment, extension, grants.
comment AS MATERIALIZED (
    SELECT classoid, objoid, objsubid, description FROM pg_description WHERE objoid >= 16384 OR classoid = 'pg_namespace'::regclass
),
member AS MATERIALIZED (
    SELECT d.classid, d.objid, e.extname
    FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
    WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
),
access AS (
    SELECT 'pg_class'::regclass::oid AS class, oid AS object, 0 AS part, relacl AS acl
    FROM pg_class WHERE relacl IS NOT NULL AND oid >= 16384
    UNION ALL
    SELECT 'pg_class'::regclass::oid, attrelid, attnum, attacl
    FROM pg_attribute WHERE attacl IS NOT NULL AND attrelid >= 16384
    UNION ALL
    SELECT 'pg_proc'::regclass::oid, oid, 0, proacl FROM pg_proc WHERE proacl IS NOT NULL AND oid >= 16384
    UNION ALL
    SELECT 'pg_type'::regclass::oid, oid, 0, typacl FROM pg_type WHERE typacl IS NOT NULL AND oid >= 16384
    UNION ALL
    SELECT 'pg_namespace'::regclass::oid, oid, 0, nspacl FROM pg_namespace WHERE nspacl IS NOT NULL
    UNION ALL
    SELECT 'pg_default_acl'::regclass::oid, oid, 0, defaclacl FROM pg_default_acl
),
granted AS MATERIALIZED (
    SELECT a.class, a.object, a.part, json_agg(json_build_object(
        'role', x.role, 'privilege', x.privilege_type, 'grantable', x.is_grantable, 'grantor', x.giver
    ) ORDER BY x.role, x.privilege_type COLLATE "C", x.giver) AS grants
    FROM access a
    CROSS JOIN LATERAL (
        SELECT CASE grantee WHEN 0 THEN 'public'::name ELSE pg_get_userbyid(grantee) END AS role,
               privilege_type, is_grantable, pg_get_userbyid(grantor) AS giver
        FROM aclexplode(a.acl)
    ) x
    GROUP BY a.class, a.object, a.part
),
-- Every type's reference, without a modifier.
bare AS MATERIALIZED (
    SELECT t.oid, t.typname, n.nspname, t.typcategory, t.typcollation, t.typstorage,
           CASE WHEN e.oid IS NOT NULL THEN 'a' ELSE t.typtype END AS kind,
           CASE WHEN e.oid IS NOT NULL THEN json_build_object(
               'schema', en.nspname, 'name', e.typname, 'oid', e.oid::int8, 'kind', e.typtype,
               'category', e.typcategory, 'sql', format_type(e.oid, NULL)
           ) END AS element
    FROM pg_type t
    JOIN pg_namespace n ON n.oid = t.typnamespace
    LEFT JOIN pg_type e ON e.oid = t.typelem AND e.typarray = t.oid
    LEFT JOIN pg_namespace en ON en.oid = e.typnamespace
),
-- Column names by number; dropped columns keep their place, so position and number agree.
named AS MATERIALIZED (
    SELECT a.attrelid, array_agg(a.attname ORDER BY a.attnum) AS names,
           array_agg(a.attcollation ORDER BY a.attnum) AS collations
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    WHERE a.attnum > 0 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.oid >= 16384
    GROUP BY a.attrelid
),
collation_name AS MATERIALIZED (
    SELECT c.oid, quote_ident(n.nspname) || '.' || quote_ident(c.collname) AS name
    FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
),
-- Sequences that belong to a column: OWNED BY ('a') or identity ('i').
owned AS MATERIALIZED (
    SELECT d.objid, d.refobjid, d.refobjsubid, d.deptype = 'i' AS identity, n.nspname, c.relname
    FROM pg_depend d
    JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0
      AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
),
columns AS MATERIALIZED (
    SELECT a.attrelid, json_agg(json_build_object(
        'name', a.attname,
        'position', a.attnum,
        'type', json_build_object(
            'schema', t.nspname, 'name', t.typname, 'oid', t.oid::int8, 'kind', t.kind, 'category', t.typcategory,
            'sql', format_type(a.atttypid, a.atttypmod), 'modifier', NULLIF(a.atttypmod, -1),
            'dimensions', a.attndims, 'element', t.element),
        'not_null', a.attnotnull,
        'default', CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
        'identity', NULLIF(a.attidentity, ''),
        'generated', CASE WHEN a.attgenerated <> '' THEN json_build_object(
            'expression', pg_get_expr(d.adbin, d.adrelid), 'stored', a.attgenerated = 's') END,
        'collation', l.name,
        'comment', m.description,
        'statistics', NULLIF(a.attstattarget, -1),
        'storage', CASE WHEN a.attstorage <> t.typstorage THEN
            CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END END,
        'compression', CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END,
        'local', a.attislocal,
        'grants', COALESCE(g.grants, '[]'),
        'sequence', CASE WHEN o.objid IS NOT NULL THEN json_build_object('schema', o.nspname, 'name', o.relname) END
    ) ORDER BY a.attnum) AS list
    FROM pg_attribute a
    JOIN relation r ON r.oid = a.attrelid
    JOIN bare t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    LEFT JOIN collation_name l ON l.oid = a.attcollation AND a.attcollation <> t.typcollation
    LEFT JOIN comment m ON m.classoid = 'pg_class'::regclass AND m.objoid = a.attrelid AND m.objsubid = a.attnum
    LEFT JOIN granted g ON g.class = 'pg_class'::regclass AND g.object = a.attrelid AND g.part = a.attnum
    LEFT JOIN owned o ON o.refobjid = a.attrelid AND o.refobjsubid = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped
    GROUP BY a.attrelid
),
index_row AS MATERIALIZED (
    SELECT x.*
    FROM (SELECT false AS indnullsnotdistinct) fallback
    CROSS JOIN LATERAL (
        SELECT i.indexrelid, i.indrelid, i.indnatts, i.indnkeyatts, i.indisunique, i.indisprimary, i.indisvalid,
               i.indisclustered, i.indisreplident, i.indkey, i.indcollation, i.indclass, i.indoption, i.indexprs,
               i.indpred, indnullsnotdistinct AS nulls_not_distinct, n.names, n.collations
        FROM pg_index i
        JOIN named n ON n.attrelid = i.indrelid
        WHERE i.indrelid IN (SELECT oid FROM relation)
    ) x
),
constraint_row AS MATERIALIZED (
    SELECT x.*, m.description, n.names
    FROM (SELECT true AS conenforced, false AS conperiod, NULL::int2[] AS confdelsetcols) fallback
    CROSS JOIN LATERAL (
        SELECT c.oid, c.conname, c.contype, c.conrelid, c.conindid, c.conparentid, c.confrelid, c.confupdtype,
               c.confdeltype, c.confmatchtype, c.conislocal, c.connoinherit, c.conkey, c.confkey, c.conbin,
               c.condeferrable, c.condeferred, c.convalidated, conenforced AS enforced, conperiod AS period,
               confdelsetcols AS delete_columns
        FROM pg_constraint c
        WHERE c.conrelid IN (SELECT oid FROM relation) AND c.contype IN ('p', 'u', 'f', 'c', 'x')
    ) x
    JOIN named n ON n.attrelid = x.conrelid
    LEFT JOIN comment m ON m.classoid = 'pg_constraint'::regclass AND m.objoid = x.oid
),
unique_keys AS MATERIALIZED (
    SELECT c.conrelid, c.contype, json_agg(json_build_object(
        'name', c.conname,
        'columns', ARRAY(SELECT c.names[k] FROM unnest(c.conkey) k),
        'include', ARRAY(SELECT c.names[i.indkey[k]] FROM generate_series(i.indnkeyatts, i.indnatts - 1) k),
        'nulls_not_distinct', i.nulls_not_distinct,
        'period', c.period,
        'deferrable', c.condeferrable,
        'deferred', c.condeferred,
        'comment', c.description
    ) ORDER BY c.conname) AS list
    FROM constraint_row c JOIN index_row i ON i.indexrelid = c.conindid
    WHERE c.contype IN ('p', 'u')
    GROUP BY c.conrelid, c.contype
),
foreign_keys AS MATERIALIZED (
    SELECT c.conrelid, json_agg(json_build_object(
        'name', c.conname,
        'columns', ARRAY(SELECT c.names[k] FROM unnest(c.conkey) k),
        'references', json_build_object('schema', fn.nspname, 'name', fc.relname),
        'referenced_columns', ARRAY(SELECT f.names[k] FROM unnest(c.confkey) k),
        'on_update', c.confupdtype,
        'on_delete', c.confdeltype,
        'on_delete_columns', ARRAY(SELECT c.names[k] FROM unnest(c.delete_columns) k),
        'match_full', c.confmatchtype = 'f',
        'deferrable', c.condeferrable,
        'deferred', c.condeferred,
        'validated', c.convalidated,
        'enforced', c.enforced,
        'inherited', c.conparentid <> 0,
        'comment', c.description
    ) ORDER BY c.conname) AS list
    FROM constraint_row c
    JOIN pg_class fc ON fc.oid = c.confrelid
    JOIN pg_namespace fn ON fn.oid = fc.relnamespace
    JOIN named f ON f.attrelid = c.confrelid
    -- A key to a partitioned table has one more row a partition of it, which nobody declared.
    WHERE c.contype = 'f' AND NOT EXISTS (
        SELECT FROM pg_constraint p WHERE p.oid = c.conparentid AND p.conrelid = c.conrelid)
    GROUP BY c.conrelid
),
checks AS MATERIALIZED (
    SELECT c.conrelid, json_agg(json_build_object(
        'name', c.conname,
        'expression', pg_get_expr(c.conbin, c.conrelid),
        'columns', ARRAY(SELECT c.names[k] FROM unnest(c.conkey) k WHERE k > 0 ORDER BY k),
        'validated', c.convalidated,
        'enforced', c.enforced,
        'no_inherit', c.connoinherit,
        'inherited', NOT c.conislocal,
        'comment', c.description
    ) ORDER BY c.conname) AS list
    FROM constraint_row c WHERE c.contype = 'c'
    GROUP BY c.conrelid
),
exclusions AS MATERIALIZED (
    SELECT c.conrelid, json_agg(json_build_object(
        'name', c.conname,
        'definition', pg_get_constraintdef(c.oid),
        'deferrable', c.condeferrable,
        'deferred', c.condeferred,
        'comment', c.description
    ) ORDER BY c.conname) AS list
    FROM constraint_row c WHERE c.contype = 'x'
    GROUP BY c.conrelid
),
index_keys AS MATERIALIZED (
    SELECT i.indexrelid, json_agg(json_build_object(
        'column', i.names[NULLIF(i.indkey[k], 0)],
        'expression', CASE WHEN i.indkey[k] = 0 THEN pg_get_indexdef(i.indexrelid, k + 1, false) END,
        'opclass', CASE WHEN NOT o.opcdefault THEN quote_ident(opn.nspname) || '.' || quote_ident(o.opcname) END,
        'collation', l.name,
        'descending', i.indoption[k] & 1 = 1,
        'nulls_first', i.indoption[k] & 2 = 2
    ) ORDER BY k) AS list
    FROM index_row i
    CROSS JOIN LATERAL generate_series(0, i.indnkeyatts - 1) k
    JOIN pg_opclass o ON o.oid = i.indclass[k]
    JOIN pg_namespace opn ON opn.oid = o.opcnamespace
    LEFT JOIN collation_name l ON l.oid = i.indcollation[k]
        AND l.oid <> CASE i.indkey[k] WHEN 0 THEN 'pg_catalog."default"'::regcollation::oid ELSE i.collations[i.indkey[k]] END
    GROUP BY i.indexrelid
),
indexes AS MATERIALIZED (
    SELECT i.indrelid, json_agg(json_build_object(
        'name', c.relname,
        'method', am.amname,
        'keys', k.list,
        'include', ARRAY(SELECT i.names[i.indkey[n]] FROM generate_series(i.indnkeyatts, i.indnatts - 1) n),
        'predicate', pg_get_expr(i.indpred, i.indrelid),
        'unique', i.indisunique,
        'primary', i.indisprimary,
        'nulls_not_distinct', i.nulls_not_distinct,
        'valid', i.indisvalid,
        'constraint', con.conname,
        'clustered', i.indisclustered,
        'replica_identity', i.indisreplident,
        'options', CASE WHEN c.reloptions IS NULL THEN '{}' ELSE (
            SELECT json_object_agg(option_name, option_value ORDER BY option_name COLLATE "C")
            FROM pg_options_to_table(c.reloptions)) END,
        'tablespace', s.spcname,
        'inherited', c.relispartition,
        'definition', pg_get_indexdef(i.indexrelid),
        'comment', m.description
    ) ORDER BY c.relname) AS list
    FROM index_row i
    JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_am am ON am.oid = c.relam
    JOIN index_keys k ON k.indexrelid = i.indexrelid
    LEFT JOIN constraint_row con ON con.conindid = i.indexrelid AND con.contype IN ('p', 'u', 'x')
    LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
    LEFT JOIN comment m ON m.classoid = 'pg_class'::regclass AND m.objoid = i.indexrelid AND m.objsubid = 0
    GROUP BY i.indrelid
),
triggers AS MATERIALIZED (
    SELECT t.tgrelid, json_agg(json_build_object(
        'name', t.tgname,
        'function', json_build_object('schema', pn.nspname, 'name', p.proname),
        'timing', CASE WHEN t.tgtype & 64 <> 0 THEN 'instead_of' WHEN t.tgtype & 2 <> 0 THEN 'before' ELSE 'after' END,
        'events', array_remove(ARRAY[
            CASE WHEN t.tgtype & 4 <> 0 THEN 'insert' END, CASE WHEN t.tgtype & 16 <> 0 THEN 'update' END,
            CASE WHEN t.tgtype & 8 <> 0 THEN 'delete' END, CASE WHEN t.tgtype & 32 <> 0 THEN 'truncate' END], NULL),
        'row', t.tgtype & 1 <> 0,
        'columns', ARRAY(SELECT n.names[k] FROM unnest(t.tgattr::int2[]) k),
        'enabled', t.tgenabled,
        'constraint', t.tgconstraint <> 0,
        'deferrable', t.tgdeferrable,
        'deferred', t.tginitdeferred,
        'inherited', t.tgparentid <> 0,
        'definition', pg_get_triggerdef(t.oid),
        'comment', m.description
    ) ORDER BY t.tgname) AS list
    FROM pg_trigger t
    JOIN relation r ON r.oid = t.tgrelid
    JOIN named n ON n.attrelid = t.tgrelid
    JOIN pg_proc p ON p.oid = t.tgfoid
    JOIN pg_namespace pn ON pn.oid = p.pronamespace
    LEFT JOIN comment m ON m.classoid = 'pg_trigger'::regclass AND m.objoid = t.oid
    -- PostgreSQL 14 calls a partition's copy of a row trigger internal.
    WHERE NOT t.tgisinternal OR (t.tgparentid <> 0 AND t.tgconstraint = 0)
    GROUP BY t.tgrelid
),
policies AS MATERIALIZED (
    SELECT p.polrelid, json_agg(json_build_object(
        'name', p.polname,
        'permissive', p.polpermissive,
        'command', p.polcmd,
        'roles', ARRAY(
            SELECT CASE k WHEN 0 THEN 'public'::name ELSE pg_get_userbyid(k) END AS role
            FROM unnest(p.polroles) k ORDER BY role),
        'using', pg_get_expr(p.polqual, p.polrelid),
        'check', pg_get_expr(p.polwithcheck, p.polrelid),
        'comment', m.description
    ) ORDER BY p.polname) AS list
    FROM pg_policy p
    JOIN relation r ON r.oid = p.polrelid
    LEFT JOIN comment m ON m.classoid = 'pg_policy'::regclass AND m.objoid = p.oid
    GROUP BY p.polrelid
),
inheritance AS MATERIALIZED (
    SELECT i.inhrelid,
           json_agg(json_build_object('schema', n.nspname, 'name', p.relname) ORDER BY i.inhseqno) AS parents
    FROM pg_inherits i
    JOIN relation r ON r.oid = i.inhrelid
    JOIN pg_class p ON p.oid = i.inhparent
    JOIN pg_namespace n ON n.oid = p.relnamespace
    GROUP BY i.inhrelid
),
-- The relations a view's query reads.
reads AS MATERIALIZED (
    SELECT DISTINCT w.ev_class, d.refobjid
    FROM pg_rewrite w
    JOIN relation r ON r.oid = w.ev_class AND r.relkind IN ('v', 'm')
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
        AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> w.ev_class
    WHERE w.rulename = '_RETURN'
),
dependencies AS MATERIALIZED (
    SELECT v.ev_class,
           json_agg(json_build_object('schema', n.nspname, 'name', c.relname) ORDER BY n.nspname, c.relname) AS list
    FROM reads v
    JOIN pg_class c ON c.oid = v.refobjid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    JOIN pg_namespace n ON n.oid = c.relnamespace
    GROUP BY v.ev_class
),
views AS MATERIALIZED (
    SELECT r.oid, json_build_object(
        'definition', pg_get_viewdef(r.oid),
        'security_invoker', COALESCE(o.security_invoker, false),
        'security_barrier', COALESCE(o.security_barrier, false),
        'check_option', o.check_option,
        'insertable', r.relkind = 'v' AND u.events & 8 <> 0,
        'updatable', r.relkind = 'v' AND u.events & 4 <> 0,
        'deletable', r.relkind = 'v' AND u.events & 16 <> 0,
        'populated', r.relkind = 'm' AND r.relispopulated,
        'depends_on', COALESCE(d.list, '[]')
    ) AS view
    FROM relation r
    CROSS JOIN LATERAL pg_relation_is_updatable(r.oid, true) u(events)
    CROSS JOIN LATERAL (
        -- The filter is looked at before the cast.
        SELECT bool_or(option_value::bool) FILTER (WHERE option_name = 'security_invoker') AS security_invoker,
               bool_or(option_value::bool) FILTER (WHERE option_name = 'security_barrier') AS security_barrier,
               max(option_value) FILTER (WHERE option_name = 'check_option') AS check_option
        FROM pg_options_to_table(r.reloptions)
    ) o
    LEFT JOIN dependencies d ON d.ev_class = r.oid
    WHERE r.relkind IN ('v', 'm')
),
partitioning AS MATERIALIZED (
    SELECT p.partrelid, json_build_object(
        'strategy', p.partstrat,
        'key', pg_get_partkeydef(p.partrelid),
        'columns', ARRAY(SELECT n.names[k] FROM unnest(p.partattrs::int2[]) k WHERE k > 0)
    ) AS partitioning
    FROM pg_partitioned_table p JOIN named n ON n.attrelid = p.partrelid
),
tables AS (
    SELECT json_agg(json_build_object(
        'schema', r.nspname,
        'name', r.relname,
        'oid', r.oid::int8,
        'kind', r.relkind,
        'owner', pg_get_userbyid(r.relowner),
        'comment', m.description,
        'extension', e.extname,
        'unlogged', r.relpersistence = 'u',
        'columns', COALESCE(cols.list, '[]'),
        'primary_key', pk.list -> 0,
        'unique_keys', COALESCE(uk.list, '[]'),
        'foreign_keys', COALESCE(fk.list, '[]'),
        'checks', COALESCE(ck.list, '[]'),
        'exclusions', COALESCE(ex.list, '[]'),
        'indexes', COALESCE(ix.list, '[]'),
        'triggers', COALESCE(tg.list, '[]'),
        'policies', COALESCE(pol.list, '[]'),
        'row_security', r.relrowsecurity,
        'force_row_security', r.relforcerowsecurity,
        'grants', COALESCE(g.grants, '[]'),
        'partitioning', part.partitioning,
        'partition_of', CASE WHEN r.relispartition THEN json_build_object(
            'parent', inh.parents -> 0, 'bound', pg_get_expr(r.relpartbound, r.oid)) END,
        'inherits', CASE WHEN r.relispartition THEN '[]' ELSE COALESCE(inh.parents, '[]') END,
        'options', CASE WHEN r.reloptions IS NULL OR r.relkind = 'v' THEN '{}' ELSE (
            SELECT json_object_agg(option_name, option_value ORDER BY option_name COLLATE "C")
            FROM pg_options_to_table(r.reloptions)) END,
        'tablespace', ts.spcname,
        'access_method', am.amname,
        'replica_identity', r.relreplident,
        'view', v.view,
        'server', fs.srvname,
        'estimated_rows', NULLIF(r.reltuples, -1)
    ) ORDER BY r.nspname, r.relname) AS list
    FROM relation r
    LEFT JOIN comment m ON m.classoid = 'pg_class'::regclass AND m.objoid = r.oid AND m.objsubid = 0
    LEFT JOIN member e ON e.classid = 'pg_class'::regclass AND e.objid = r.oid
    LEFT JOIN columns cols ON cols.attrelid = r.oid
    LEFT JOIN unique_keys pk ON pk.conrelid = r.oid AND pk.contype = 'p'
    LEFT JOIN unique_keys uk ON uk.conrelid = r.oid AND uk.contype = 'u'
    LEFT JOIN foreign_keys fk ON fk.conrelid = r.oid
    LEFT JOIN checks ck ON ck.conrelid = r.oid
    LEFT JOIN exclusions ex ON ex.conrelid = r.oid
    LEFT JOIN indexes ix ON ix.indrelid = r.oid
    LEFT JOIN triggers tg ON tg.tgrelid = r.oid
    LEFT JOIN policies pol ON pol.polrelid = r.oid
    LEFT JOIN granted g ON g.class = 'pg_class'::regclass AND g.object = r.oid AND g.part = 0
    LEFT JOIN partitioning part ON part.partrelid = r.oid
    LEFT JOIN inheritance inh ON inh.inhrelid = r.oid
    LEFT JOIN pg_tablespace ts ON ts.oid = r.reltablespace
    LEFT JOIN pg_am am ON am.oid = r.relam
    LEFT JOIN views v ON v.oid = r.oid
    LEFT JOIN pg_foreign_table ft ON ft.ftrelid = r.oid
    LEFT JOIN pg_foreign_server fs ON fs.oid = ft.ftserver
),
domain_checks AS MATERIALIZED (
    SELECT c.contypid, json_agg(json_build_object(
        'name', c.conname, 'expression', pg_get_expr(c.conbin, 0), 'validated', c.convalidated,
        'comment', m.description
    ) ORDER BY c.conname) AS list
    FROM pg_constraint c
    LEFT JOIN comment m ON m.classoid = 'pg_constraint'::regclass AND m.objoid = c.oid
    WHERE c.contypid >= 16384 AND c.contype = 'c'
    GROUP BY c.contypid
),
enum_values AS MATERIALIZED (
    SELECT enumtypid, json_agg(enumlabel ORDER BY enumsortorder) AS list FROM pg_enum GROUP BY enumtypid
),
fields AS MATERIALIZED (
    SELECT a.attrelid, json_agg(json_build_object(
        'name', a.attname,
        'type', json_build_object(
            'schema', t.nspname, 'name', t.typname, 'oid', t.oid::int8, 'kind', t.kind, 'category', t.typcategory,
            'sql', format_type(a.atttypid, a.atttypmod), 'modifier', NULLIF(a.atttypmod, -1),
            'dimensions', a.attndims, 'element', t.element),
        'collation', l.name,
        'comment', m.description
    ) ORDER BY a.attnum) AS list
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'c'
    JOIN bare t ON t.oid = a.atttypid
    LEFT JOIN collation_name l ON l.oid = a.attcollation AND a.attcollation <> t.typcollation
    LEFT JOIN comment m ON m.classoid = 'pg_class'::regclass AND m.objoid = a.attrelid AND m.objsubid = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped
    GROUP BY a.attrelid
),
types AS (
    SELECT json_agg(json_build_object(
        'schema', n.nspname,
        'name', t.typname,
        'oid', t.oid::int8,
        'owner', pg_get_userbyid(t.typowner),
        'comment', m.description,
        'extension', e.extname,
        'grants', COALESCE(g.grants, '[]'),
        'definition', CASE t.typtype
            WHEN 'b' THEN json_build_object('kind', 'base')
            WHEN 'e' THEN json_build_object('kind', 'enum', 'values', COALESCE(ev.list, '[]'))
            WHEN 'c' THEN json_build_object('kind', 'composite', 'fields', COALESCE(f.list, '[]'))
            WHEN 'd' THEN json_build_object(
                'kind', 'domain',
                'base', json_build_object(
                    'schema', b.nspname, 'name', b.typname, 'oid', b.oid::int8, 'kind', b.kind,
                    'category', b.typcategory, 'sql', format_type(t.typbasetype, t.typtypmod),
                    'modifier', NULLIF(t.typtypmod, -1), 'dimensions', t.typndims, 'element', b.element),
                'not_null', t.typnotnull,
                'default', COALESCE(pg_get_expr(t.typdefaultbin, 0), t.typdefault),
                'collation', l.name,
                'checks', COALESCE(dc.list, '[]'))
            WHEN 'r' THEN json_build_object(
                'kind', 'range',
                'subtype', json_build_object(
                    'schema', b.nspname, 'name', b.typname, 'oid', b.oid::int8, 'kind', b.kind,
                    'category', b.typcategory, 'sql', format_type(b.oid, NULL), 'element', b.element),
                'multirange', (SELECT typname FROM pg_type WHERE oid = rng.rngmultitypid),
                'collation', rl.name,
                'opclass', CASE WHEN NOT opc.opcdefault THEN quote_ident(opn.nspname) || '.' || quote_ident(opc.opcname) END,
                'difference', NULLIF(rng.rngsubdiff, 0)::regproc::text,
                'canonical', NULLIF(rng.rngcanonical, 0)::regproc::text)
        END
    ) ORDER BY n.nspname, t.typname) AS list
    FROM pg_type t
    JOIN user_schema n ON n.oid = t.typnamespace
    LEFT JOIN pg_class c ON c.oid = t.typrelid
    LEFT JOIN pg_range rng ON rng.rngtypid = t.oid
    LEFT JOIN pg_opclass opc ON opc.oid = rng.rngsubopc
    LEFT JOIN pg_namespace opn ON opn.oid = opc.opcnamespace
    LEFT JOIN bare b ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE rng.rngsubtype END
    LEFT JOIN collation_name l ON l.oid = t.typcollation AND t.typcollation <> b.typcollation
    LEFT JOIN collation_name rl ON rl.oid = rng.rngcollation AND rng.rngcollation <> b.typcollation
    LEFT JOIN enum_values ev ON ev.enumtypid = t.oid
    LEFT JOIN fields f ON f.attrelid = t.typrelid
    LEFT JOIN domain_checks dc ON dc.contypid = t.oid
    LEFT JOIN comment m ON m.classoid = 'pg_type'::regclass AND m.objoid = t.oid
    LEFT JOIN member e ON e.classid = 'pg_type'::regclass AND e.objid = t.oid
    LEFT JOIN granted g ON g.class = 'pg_type'::regclass AND g.object = t.oid
    WHERE (t.typtype IN ('d', 'e', 'r') OR (t.typtype = 'c' AND c.relkind = 'c')
        -- Base types, but not the array that comes with every type.
        OR (t.typtype = 'b' AND NOT EXISTS (SELECT FROM pg_type x WHERE x.oid = t.typelem AND x.typarray = t.oid)))
),
-- Functions that are read. PostGIS alone brings over a thousand that nobody names; of an extension's, only those are
-- read that a trigger calls or may call, or that take or give rows.
routine AS MATERIALIZED (
    SELECT p.*, e.extname
    FROM pg_proc p
    JOIN wanted n ON n.oid = p.pronamespace
    LEFT JOIN member e ON e.classid = 'pg_proc'::regclass AND e.objid = p.oid
    WHERE e.extname IS NULL
       OR p.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype)
       OR p.oid IN (
            SELECT f.oid
            FROM pg_proc f
            CROSS JOIN LATERAL unnest(f.proargtypes::oid[] || f.prorettype) type
            JOIN relation r ON r.reltype = type)
),
arguments AS MATERIALIZED (
    SELECT p.oid, json_agg(json_build_object(
        'name', NULLIF(p.proargnames[a.n], ''),
        'mode', COALESCE(p.proargmodes[a.n], 'i'),
        'type', json_build_object(
            'schema', t.nspname, 'name', t.typname, 'oid', t.oid::int8, 'kind', t.kind, 'category', t.typcategory,
            'sql', format_type(t.oid, NULL), 'element', t.element),
        'has_default', a.input AND a.inputs > p.pronargs - p.pronargdefaults,
        'default', CASE WHEN a.input AND a.inputs > p.pronargs - p.pronargdefaults
            THEN pg_get_function_arg_default(p.oid, a.n::int) END
    ) ORDER BY a.n) AS list
    FROM routine p
    CROSS JOIN LATERAL (
        SELECT u.type, u.n, u.input, count(*) FILTER (WHERE u.input) OVER (ORDER BY u.n) AS inputs
        FROM (
            SELECT type, n, COALESCE(p.proargmodes[n], 'i') IN ('i', 'b', 'v') AS input
            FROM unnest(COALESCE(p.proallargtypes, p.proargtypes::oid[])) WITH ORDINALITY x(type, n)
        ) u
    ) a
    JOIN bare t ON t.oid = a.type
    GROUP BY p.oid
),
functions AS (
    SELECT json_agg(json_build_object(
        'schema', n.nspname,
        'name', p.proname,
        'oid', p.oid::int8,
        'kind', p.prokind,
        'owner', pg_get_userbyid(p.proowner),
        'comment', m.description,
        'extension', p.extname,
        'signature', oidvectortypes(p.proargtypes),
        'arguments', COALESCE(a.list, '[]'),
        'returns', CASE WHEN p.prokind <> 'p' THEN json_build_object(
            'schema', t.nspname, 'name', t.typname, 'oid', t.oid::int8, 'kind', t.kind, 'category', t.typcategory,
            'sql', format_type(t.oid, NULL), 'element', t.element) END,
        'returns_set', p.proretset,
        'volatility', p.provolatile,
        'strict', p.proisstrict,
        'security_definer', p.prosecdef,
        'leakproof', p.proleakproof,
        'parallel', p.proparallel,
        'language', l.lanname,
        'cost', p.procost,
        'rows', p.prorows,
        'settings', COALESCE(p.proconfig, '{}'),
        'body', CASE WHEN p.prosqlbody IS NULL THEN p.prosrc END,
        'definition', CASE WHEN p.prokind <> 'a' AND p.extname IS NULL THEN pg_get_functiondef(p.oid) END,
        'grants', COALESCE(g.grants, '[]')
    ) ORDER BY n.nspname, p.proname, oidvectortypes(p.proargtypes) COLLATE "C") AS list
    FROM routine p
    JOIN wanted n ON n.oid = p.pronamespace
    JOIN pg_language l ON l.oid = p.prolang
    JOIN bare t ON t.oid = p.prorettype
    LEFT JOIN arguments a ON a.oid = p.oid
    LEFT JOIN comment m ON m.classoid = 'pg_proc'::regclass AND m.objoid = p.oid
    LEFT JOIN granted g ON g.class = 'pg_proc'::regclass AND g.object = p.oid
),
sequences AS (
    SELECT json_agg(json_build_object(
        'schema', n.nspname,
        'name', c.relname,
        'oid', c.oid::int8,
        'owner', pg_get_userbyid(c.relowner),
        'data_type', format_type(s.seqtypid, NULL),
        'start', s.seqstart,
        'increment', s.seqincrement,
        'minimum', s.seqmin,
        'maximum', s.seqmax,
        'cache', s.seqcache,
        'cycle', s.seqcycle,
        'owned_by', CASE WHEN o.objid IS NOT NULL THEN json_build_object(
            'schema', tn.nspname, 'table', tc.relname, 'column', o.attname, 'identity', o.identity) END,
        'comment', m.description,
        'extension', e.extname,
        'grants', COALESCE(g.grants, '[]')
    ) ORDER BY n.nspname, c.relname) AS list
    FROM pg_sequence s
    JOIN pg_class c ON c.oid = s.seqrelid
    JOIN wanted n ON n.oid = c.relnamespace
    LEFT JOIN (
        SELECT o.*, a.attname FROM owned o JOIN pg_attribute a ON a.attrelid = o.refobjid AND a.attnum = o.refobjsubid
    ) o ON o.objid = c.oid
    LEFT JOIN pg_class tc ON tc.oid = o.refobjid
    LEFT JOIN pg_namespace tn ON tn.oid = tc.relnamespace
    LEFT JOIN comment m ON m.classoid = 'pg_class'::regclass AND m.objoid = c.oid AND m.objsubid = 0
    LEFT JOIN member e ON e.classid = 'pg_class'::regclass AND e.objid = c.oid
    LEFT JOIN granted g ON g.class = 'pg_class'::regclass AND g.object = c.oid AND g.part = 0
),
published AS MATERIALIZED (
    SELECT x.prpubid, json_agg(json_build_object(
        'schema', n.nspname,
        'name', c.relname,
        'columns', CASE WHEN x.attributes IS NOT NULL THEN ARRAY(SELECT names.names[k] FROM unnest(x.attributes::int2[]) k) END,
        'filter', pg_get_expr(x.filter, x.prrelid)
    ) ORDER BY n.nspname, c.relname) AS list
    FROM (SELECT NULL::int2vector AS prattrs, NULL::pg_node_tree AS prqual) fallback
    CROSS JOIN LATERAL (
        SELECT p.prpubid, p.prrelid, prattrs AS attributes, prqual AS filter FROM pg_publication_rel p
    ) x
    JOIN pg_class c ON c.oid = x.prrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN named names ON names.attrelid = x.prrelid
    GROUP BY x.prpubid
),
-- pg_publication_namespace does not exist on 14; its dependencies say the same everywhere.
published_schemas AS MATERIALIZED (
    SELECT p.refobjid AS publication, json_agg(n.nspname ORDER BY n.nspname) AS list
    FROM pg_depend p
    JOIN pg_depend s ON s.classid = p.classid AND s.objid = p.objid AND s.refclassid = 'pg_namespace'::regclass
    JOIN pg_namespace n ON n.oid = s.refobjid
    WHERE p.classid = to_regclass('pg_catalog.pg_publication_namespace') AND p.refclassid = 'pg_publication'::regclass
    GROUP BY p.refobjid
),
publications AS (
    SELECT json_agg(json_build_object(
        'name', p.pubname,
        'owner', pg_get_userbyid(p.pubowner),
        'all_tables', p.puballtables,
        'insert', p.pubinsert,
        'update', p.pubupdate,
        'delete', p.pubdelete,
        'truncate', p.pubtruncate,
        'via_root', p.pubviaroot,
        'tables', COALESCE(t.list, '[]'),
        'schemas', COALESCE(s.list, '[]'),
        'comment', m.description
    ) ORDER BY p.pubname) AS list
    FROM pg_publication p
    LEFT JOIN published t ON t.prpubid = p.oid
    LEFT JOIN published_schemas s ON s.publication = p.oid
    LEFT JOIN comment m ON m.classoid = 'pg_publication'::regclass AND m.objoid = p.oid
),
event_triggers AS (
    SELECT json_agg(json_build_object(
        'name', t.evtname,
        'owner', pg_get_userbyid(t.evtowner),
        'event', t.evtevent,
        'tags', COALESCE(t.evttags, '{}'),
        'function', json_build_object('schema', n.nspname, 'name', p.proname),
        'enabled', t.evtenabled,
        'comment', m.description,
        'extension', e.extname
    ) ORDER BY t.evtname) AS list
    FROM pg_event_trigger t
    JOIN pg_proc p ON p.oid = t.evtfoid
    JOIN pg_namespace n ON n.oid = p.pronamespace
    LEFT JOIN comment m ON m.classoid = 'pg_event_trigger'::regclass AND m.objoid = t.oid
    LEFT JOIN member e ON e.classid = 'pg_event_trigger'::regclass AND e.objid = t.oid
),
statistics AS (
    SELECT json_agg(json_build_object(
        'schema', n.nspname,
        'name', s.stxname,
        'table', json_build_object('schema', r.nspname, 'name', r.relname),
        'definition', pg_get_statisticsobjdef(s.oid),
        'comment', m.description
    ) ORDER BY n.nspname, s.stxname) AS list
    FROM pg_statistic_ext s
    JOIN wanted n ON n.oid = s.stxnamespace
    JOIN relation r ON r.oid = s.stxrelid
    LEFT JOIN comment m ON m.classoid = 'pg_statistic_ext'::regclass AND m.objoid = s.oid
),
default_privileges AS (
    SELECT json_agg(json_build_object(
        'owner', pg_get_userbyid(d.defaclrole),
        'schema', n.nspname,
        'object', CASE d.defaclobjtype WHEN 'r' THEN 'table' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'function'
            WHEN 'T' THEN 'type' WHEN 'n' THEN 'schema' ELSE 'large_object' END,
        'grants', COALESCE(g.grants, '[]')
    ) ORDER BY pg_get_userbyid(d.defaclrole), n.nspname NULLS FIRST, d.defaclobjtype) AS list
    FROM pg_default_acl d
    LEFT JOIN wanted n ON n.oid = d.defaclnamespace
    LEFT JOIN granted g ON g.class = 'pg_default_acl'::regclass AND g.object = d.oid
    WHERE d.defaclnamespace = 0 OR n.oid IS NOT NULL
),
schemas AS (
    SELECT json_agg(json_build_object(
        'name', n.nspname,
        'owner', pg_get_userbyid(n.nspowner),
        'comment', m.description,
        'extension', e.extname,
        'grants', COALESCE(g.grants, '[]')
    ) ORDER BY n.nspname) AS list
    FROM wanted n
    LEFT JOIN comment m ON m.classoid = 'pg_namespace'::regclass AND m.objoid = n.oid
    LEFT JOIN member e ON e.classid = 'pg_namespace'::regclass AND e.objid = n.oid
    LEFT JOIN granted g ON g.class = 'pg_namespace'::regclass AND g.object = n.oid
),
extensions AS (
    SELECT json_agg(json_build_object(
        'name', e.extname, 'version', e.extversion, 'schema', n.nspname, 'comment', m.description
    ) ORDER BY e.extname) AS list
    FROM pg_extension e
    JOIN pg_namespace n ON n.oid = e.extnamespace
    LEFT JOIN pg_description m ON m.classoid = 'pg_extension'::regclass AND m.objoid = e.oid AND m.objsubid = 0
),
-- The parsed queries of views, from which column origins are traced.
rules AS (
    SELECT json_agg(json_build_object('view', w.ev_class::int8, 'action', w.ev_action::text)) AS list
    FROM pg_rewrite w JOIN relation r ON r.oid = w.ev_class AND r.relkind IN ('v', 'm')
    WHERE w.rulename = '_RETURN'
),
-- Relations of other schemas that those queries read.
sources AS (
    SELECT json_agg(json_build_object('oid', c.oid::int8, 'schema', n.nspname, 'name', c.relname, 'columns', (
        SELECT json_agg(json_build_object('position', a.attnum, 'name', a.attname, 'not_null', a.attnotnull))
        FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))) AS list
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid IN (SELECT refobjid FROM reads) AND c.oid NOT IN (SELECT oid FROM relation)
      AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
)
SELECT json_build_object(
    'lists', json_build_object(
        'server_version', current_setting('server_version_num')::int,
        'schemas', COALESCE((SELECT list FROM schemas), '[]'),
        'tables', COALESCE((SELECT list FROM tables), '[]'),
        'types', COALESCE((SELECT list FROM types), '[]'),
        'functions', COALESCE((SELECT list FROM functions), '[]'),
        'sequences', COALESCE((SELECT list FROM sequences), '[]'),
        'extensions', COALESCE((SELECT list FROM extensions), '[]'),
        'publications', COALESCE((SELECT list FROM publications), '[]'),
        'event_triggers', COALESCE((SELECT list FROM event_triggers), '[]'),
        'statistics', COALESCE((SELECT list FROM statistics), '[]'),
        'default_privileges', COALESCE((SELECT list FROM default_privileges), '[]')),
    'rules', COALESCE((SELECT list FROM rules), '[]'),
    'sources', COALESCE((SELECT list FROM sources), '[]')
) AS catalog;

SELECT set_config('search_path', current_setting('nself.saved_search_path'), true),
       set_config('DateStyle', current_setting('nself.saved_datestyle'), true),
       set_config('IntervalStyle', current_setting('nself.saved_intervalstyle'), true),
       set_config('TimeZone', current_setting('nself.saved_timezone'), true),
       set_config('jit', current_setting('nself.saved_jit'), true),
       set_config('enable_nestloop', current_setting('nself.saved_nestloop'), true),
       set_config('work_mem', current_setting('nself.saved_work_mem'), true);
