-- What relations $1.$2 (schemas, names) and functions $3.$4 read, for live queries: the tables behind views, partitions
-- and children, and whether something in it changes without a word in the write-ahead log.
WITH RECURSIVE reads (relation) AS (
    SELECT class.oid
    FROM unnest($1::text[], $2::text[]) AS named (schema, name)
    JOIN pg_catalog.pg_namespace AS namespace ON namespace.nspname = named.schema
    JOIN pg_catalog.pg_class AS class ON class.relnamespace = namespace.oid AND class.relname = named.name
    WHERE class.relkind IN ('r', 'p', 'v', 'm', 'f')
  UNION
    SELECT further.relation
    FROM reads
    JOIN pg_catalog.pg_class AS class ON class.oid = reads.relation,
    LATERAL (
        SELECT depend.refobjid
        FROM pg_catalog.pg_rewrite AS rule
        JOIN pg_catalog.pg_depend AS depend
          ON depend.classid = 'pg_catalog.pg_rewrite'::regclass AND depend.objid = rule.oid
         AND depend.refclassid = 'pg_catalog.pg_class'::regclass
        WHERE class.relkind = 'v' AND rule.ev_class = class.oid AND depend.refobjid <> class.oid
      UNION
        SELECT inherits.inhrelid
        FROM pg_catalog.pg_inherits AS inherits
        WHERE class.relkind IN ('r', 'p') AND inherits.inhparent = class.oid
    ) AS further (relation)
),
-- The clock, chance, and the server's own numbers.
restless (pattern) AS (
    VALUES ('\m(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday|current_timestamp|current_date|'
         || 'current_time|localtimestamp|localtime|random|gen_random_uuid|nextval|current_setting|pg_[a-z_]+)\M')
)
SELECT namespace.nspname::text AS schema,
       class.relname::text AS name,
       class.relkind = 'v' AND EXISTS (
           SELECT FROM pg_catalog.pg_rewrite AS rule
           JOIN pg_catalog.pg_depend AS depend
             ON depend.classid = 'pg_catalog.pg_rewrite'::regclass AND depend.objid = rule.oid
            AND depend.refclassid = 'pg_catalog.pg_proc'::regclass
           JOIN pg_catalog.pg_proc AS function ON function.oid = depend.refobjid AND function.provolatile <> 'i'
           WHERE rule.ev_class = class.oid
       ) AS any_table,
       class.relkind IN ('m', 'f')
         OR class.relkind = 'r' AND (class.relpersistence <> 'p' OR namespace.nspname IN ('pg_catalog', 'information_schema'))
         OR class.relkind = 'v' AND pg_catalog.pg_get_viewdef(class.oid) ~* restless.pattern
         AS unheard
FROM reads
JOIN pg_catalog.pg_class AS class ON class.oid = reads.relation
JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace,
restless
UNION ALL
SELECT NULL, NULL, true, coalesce(bool_or(function.prosrc ~* restless.pattern), false)
FROM unnest($3::text[], $4::text[]) AS named (schema, name)
JOIN pg_catalog.pg_namespace AS namespace ON namespace.nspname = named.schema
JOIN pg_catalog.pg_proc AS function ON function.pronamespace = namespace.oid AND function.proname = named.name,
restless
WHERE namespace.nspname <> 'pg_catalog'
HAVING count(*) > 0
