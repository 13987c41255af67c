-- What is asked about a profile and its rules before anything is read: their tables, and the columns that they give.
-- A part begins with its name. The program runs it alone, or as a piece of a longer statement (`halfbuilt rules --composed` prints these).
-- `:name` stands for a piece of SQL that the program fills in, as psql does: psql -v name=...
-- `$1` and the like are parameters; psql has \bind for them.

-- part: tables
-- What:  the tables of some names ($2) in some schemas ($1) that exist.
-- For:   finding the schema that has all tables of a profile.
-- Why:   a name is looked up once, in plain sight, and not by a search path each time.
SELECT schema.nspname::text AS schema, found.relname::text AS name
  FROM pg_class AS found
  JOIN pg_namespace AS schema ON schema.oid = found.relnamespace
 WHERE schema.nspname::text = ANY ($1::text[]) AND found.relname::text = ANY ($2::text[])
   AND found.relkind IN ('r', 'p', 'v', 'm', 'f');

-- part: without_statistics
-- What:  those of some tables ($1 schemas, $2 names) that have 8 MB or more and of which the server has no statistics.
-- For:   every scan, once.
-- Why:   an upgrade by pg_upgrade does not take statistics along, nor does a load. The server then plans as if it knew nothing, and a scan may
--        take very long.
SELECT found.relname::text AS name
  FROM unnest($1::text[], $2::text[]) AS wanted (schema, name)
  JOIN pg_namespace AS schema ON schema.nspname::text = wanted.schema
  JOIN pg_class AS found ON found.relnamespace = schema.oid AND found.relname::text = wanted.name
 WHERE found.relkind IN ('r', 'm') AND found.reltuples <= 0 AND pg_relation_size(found.oid) >= 8388608
 ORDER BY found.relname COLLATE "C";

-- part: tables_read
-- What:  the tables that are read where tables of these schemas ($1) and names ($2) are read: themselves, and the tables behind views.
--        Of each table its kind, its owner, its definition if it is a view, and whether this role may do what its owner may. A partition
--        counts as its parent.
-- For:   the first lines of a run, the file beside a report, the journal and the page; delete, which refuses to go by other tables.
-- Why:   whoever owns a view decides what is in it, and a name alone does not show that it is a view.
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

-- part: explain
-- What:  asks the server how it would run the statement that follows; nothing is read.
-- For:   each relation of a profile and each rule of your own, once: the answer names the tables that it reads.
-- Why:   a view, or a name with another schema, leads to tables that the profile does not name.
EXPLAIN (VERBOSE, FORMAT JSON, COSTS OFF)

-- part: prepare
-- What:  has the server check the statement that follows, and nothing more: it is neither planned nor run.
-- For:   each relation, rule and archive section of a profile, before anything is read. The part `unprepare` follows at once.
-- Why:   a prepared statement stays in the session of the server, which a pooler may give to somebody else after the transaction.
PREPARE halfbuilt_asked AS

-- part: unprepare
-- What:  has the server forget the statement of the part `prepare`.
-- For:   each statement that was prepared, at once.
-- Why:   nothing may stay in the session of the server.
DEALLOCATE halfbuilt_asked;

-- part: column_names
-- What:  the names of the columns of a statement, :asked, in order.
-- For:   each relation, rule and archive section of a profile, before anything is read.
-- Why:   a client library prepares such a question in the session, and a pooler gives the next transaction another session. Here the server
--        does not even plan the statement: `WHERE false` excludes every row beforehand, and OFFSET keeps the statement apart until then.
--        What is left is one row of NULLs with its columns.
SELECT json_object_keys(row_to_json(row_of_it)) AS name
  FROM (SELECT of_it.*
          FROM (SELECT) AS nothing
          LEFT JOIN (SELECT * FROM (SELECT * FROM (
:asked
               ) AS asked OFFSET 0) AS apart WHERE false) AS of_it ON true) AS row_of_it;

-- part: column_types
-- What:  the type of each column of a statement, :asked, in order: name, schema and, where it is the row of a table or another composite
--        type, the names of its columns. :columns are names for the columns, :types a part
--        `column_type` for each.
-- For:   each relation, rule and archive section of a profile, before anything is read.
-- Why:   as for column_names. A domain counts as its base type, as it does when the server describes a result.
WITH RECURSIVE given (type, place) AS (
  SELECT listed.type, listed.place
    FROM (SELECT ARRAY[:types]::oid[] AS types
            FROM (SELECT) AS nothing
            LEFT JOIN (SELECT * FROM (SELECT * FROM (
:asked
                 ) AS asked OFFSET 0) AS apart (:columns) WHERE false) AS of_it ON true) AS of_all,
         unnest(of_all.types) WITH ORDINALITY AS listed (type, place)
), based (type, place) AS (
  SELECT given.type, given.place FROM given
   UNION ALL
  SELECT over.typbasetype, based.place FROM based JOIN pg_type AS over ON over.oid = based.type WHERE over.typtype = 'd'
)
SELECT named.typname::text AS name, placed.nspname::text AS schema,
       CASE WHEN named.typrelid <> 0 THEN ARRAY(
         SELECT field.attname::text FROM pg_attribute AS field
          WHERE field.attrelid = named.typrelid AND field.attnum > 0 AND NOT field.attisdropped
          ORDER BY field.attnum) END AS fields
  FROM based
  JOIN pg_type AS named ON named.oid = based.type AND named.typtype <> 'd'
  JOIN pg_namespace AS placed ON placed.oid = named.typnamespace
 ORDER BY based.place;

-- part: column_type
-- What:  the type of one column, :column.
-- For:   the part `column_types`, once for each column.
-- Why:   the columns are counted only when the statement is known.
pg_typeof(of_it.:column)

-- part: addresses
-- What:  the addresses of some builds, :most at most, and what they are compared with: number, project, and what stands in the place of a
--        number that is none.
-- For:   profiles --check, which says how many of them can be used to delete a build.
-- Why:   a database may hold millions of builds. A long text is cut as in the report: a cut address is no address any more.
SELECT left(build.build_key::text, 200) AS build_key,
       CASE WHEN octet_length(build.build_url) <= 4096 THEN build.build_url || ''
            ELSE 'cut: ' || left(build.build_url, 300) || '...' END AS build_url,
       CASE WHEN octet_length(build.project) <= 4096 THEN build.project || ''
            ELSE left(build.project, 200) || '...' END AS project,
       build.build_num::bigint AS build_num,
       CASE WHEN build.build_num IS NULL THEN left(build.raw_build_num, 200) END AS odd_number:paths
  FROM build
 LIMIT :most;

-- part: example
-- What:  one row of a relation, :asked, as the profile presents it. :columns are parts `example_column`.
-- For:   profiles --check, which shows it.
-- Why:   whether a profile means the right column shows in what stands in it.
SELECT :columns
  FROM (
:asked
       ) AS presented
 LIMIT 1;

-- part: example_column
-- What:  the beginning of what stands in one column, :column, as text.
-- For:   the part `example`, once for each column.
-- Why:   a text may be of a gigabyte.
left(presented.:column::text, 1000) AS :column
