-- What:  what is read where tables of these schemas ($1) and names ($2) are read: themselves, and what is behind those that are views;
--        of each its kind, its owner, what it shows if it is a view, and whether this role may do what its owner may. A partition stands for the table that it is a part of.
-- For:   the first lines of a run, the file beside a report, the journal and the page; delete, which refuses to go by other tables.
-- Why:   who owns a view decides what is in it, and a name alone does not show that it is one.
WITH RECURSIVE named AS (
  SELECT found.oid
    FROM unnest($1::text[], $2::text[]) AS wanted (schema, name)
    JOIN pg_namespace AS schema ON schema.nspname::text = wanted.schema
    JOIN pg_class AS found ON found.relnamespace = schema.oid AND found.relname::text = wanted.name
), whole (oid) AS (
  SELECT oid FROM named
   UNION
  SELECT part.inhparent
    FROM whole
    JOIN pg_class AS found ON found.oid = whole.oid AND found.relispartition
    JOIN pg_inherits AS part ON part.inhrelid = whole.oid
), reached (oid) AS (
  SELECT whole.oid FROM whole JOIN pg_class AS found ON found.oid = whole.oid AND NOT found.relispartition
   UNION
  SELECT behind.refobjid
    FROM reached
    JOIN pg_rewrite AS rule ON rule.ev_class = reached.oid
    JOIN pg_depend AS behind ON behind.objid = rule.oid AND behind.classid = 'pg_rewrite'::regclass
                            AND behind.refclassid = 'pg_class'::regclass AND behind.refobjid <> reached.oid
)
SELECT schema.nspname::text AS schema, found.relname::text AS name,
       CASE found.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
                          WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' ELSE found.relkind::text END AS kind,
       pg_get_userbyid(found.relowner)::text AS owner,
       CASE WHEN found.relkind IN ('v', 'm') THEN pg_get_viewdef(found.oid) END AS definition,
       pg_has_role(found.relowner, 'USAGE') AS is_own
  FROM reached
  JOIN pg_class AS found ON found.oid = reached.oid
  JOIN pg_namespace AS schema ON schema.oid = found.relnamespace
 WHERE found.relkind IN ('r', 'p', 'v', 'm', 'f')
 ORDER BY 1, 2;
