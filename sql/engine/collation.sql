-- What is asked about the order of text: whether the indexes that are read were built by the order that the server has now.
-- A part begins with its name. The program runs it alone, or as a piece of a longer statement (`halfbuilt rules --composed` prints these).
-- `:name` stands for a piece of SQL that the program fills in, as psql does: psql -v name=...
-- `$1` and the like are parameters; psql has \bind for them.

-- part: collations
-- What:  the collations by which indexes of these tables (schemas $1, names $2) and of their partitions sort text, and bounds between
--        partitions: of each its name, the version that the server recorded, the version that it has now, how many indexes use it, and the first
--        five of them. `is_of_database` is the database's own collation; `is_stable` is one whose order no library decides.
-- For:   the check collation-version: scan, verify, manifest and delete.
-- Why:   where a library has changed the order of text since an index was built, the index finds nothing, or not all, and a unique index lets
--        one number in twice. A version that was not recorded is NULL: then nobody can tell. The server knows the version of a database's
--        own collation from PostgreSQL 15 on: :actual_of_database is one of the next two parts.
WITH RECURSIVE whole (oid) AS (
  SELECT found.oid
    FROM unnest($1::text[], $2::text[]) AS wanted (schema, name)
    JOIN pg_namespace AS schema ON schema.nspname::text = wanted.schema
    JOIN pg_class AS found ON found.relnamespace = schema.oid AND found.relname::text = wanted.name
   UNION
  SELECT part.inhrelid FROM whole JOIN pg_inherits AS part ON part.inhparent = whole.oid
), index AS (
  SELECT pg_index.indexrelid AS oid, pg_index.indcollation AS collations FROM whole JOIN pg_index ON pg_index.indrelid = whole.oid
), used (order_oid, by) AS (
  SELECT listed.oid, index.oid FROM index CROSS JOIN LATERAL unnest(index.collations::oid[]) AS listed (oid)
   UNION
  -- Of an expression or a condition in an index.
  SELECT depends.refobjid, index.oid
    FROM index
    JOIN pg_depend AS depends ON depends.objid = index.oid AND depends.classid = 'pg_class'::regclass
                             AND depends.refclassid = 'pg_collation'::regclass
   UNION
  SELECT listed.oid, bounds.partrelid
    FROM whole
    JOIN pg_partitioned_table AS bounds ON bounds.partrelid = whole.oid AND bounds.partstrat = 'r'
   CROSS JOIN LATERAL unnest(bounds.partcollation::oid[]) AS listed (oid)
), database AS (
  SELECT datcollate::text AS locale, coalesce(to_jsonb(pg_database) ->> 'datlocprovider', 'c') AS provider,
         to_jsonb(pg_database) ->> 'datcollversion' AS recorded, :actual_of_database AS actual
    FROM pg_database
   WHERE datname = current_database()
), known AS (
  SELECT found.oid, quote_ident(found.collname) AS name, found.collprovider = 'd' AS is_of_database,
         CASE WHEN found.collprovider = 'd' THEN database.provider ELSE found.collprovider::text END AS provider,
         CASE WHEN found.collprovider = 'd' THEN database.locale   ELSE found.collcollate::text  END AS locale,
         CASE WHEN found.collprovider = 'd' THEN database.recorded ELSE found.collversion        END AS recorded,
         CASE WHEN found.collprovider = 'd' THEN database.actual
              ELSE pg_collation_actual_version(found.oid) END AS actual
    FROM pg_collation AS found
   CROSS JOIN database
   WHERE found.oid IN (SELECT used.order_oid FROM used)
)
SELECT known.name, known.is_of_database, known.recorded, known.actual,
       known.provider = 'b' OR known.provider = 'c' AND (upper(known.locale) IN ('C', 'POSIX') OR upper(known.locale) LIKE 'C.%') AS is_stable,
       count(*) AS users,
       (array_agg(quote_ident(named.relname) ORDER BY named.relname))[1:5] AS first_users
  FROM known
  JOIN used ON used.order_oid = known.oid
  JOIN pg_class AS named ON named.oid = used.by
 GROUP BY known.oid, known.name, known.is_of_database, known.provider, known.locale, known.recorded, known.actual
 ORDER BY NOT known.is_of_database, known.name, known.oid;

-- part: actual_of_database
-- What:  the version that the database's own collation has now.
-- For:   the part `collations`, on PostgreSQL 15 and later.
-- Why:   before that, the server has no such function.
pg_database_collation_actual_version(pg_database.oid)

-- part: no_actual_of_database
-- What:  stands for the version of the database's own collation.
-- For:   the part `collations`, before PostgreSQL 15.
-- Why:   the server does not tell it, and records none.
NULL::text

-- part: without_indexes
-- What:  has the server read tables from their beginning to their end, and every partition, for the rest of the transaction.
-- For:   every reading of a database in which the order of text has changed since indexes were built.
-- Why:   an index in another order does not find what is there, and a build that is there would pass for gone. This is slow, and true.
--        Even to weigh a merge of two tables, the server reads the ends of their indexes, whatever else it may not use.
SET LOCAL enable_seqscan = on;
SET LOCAL enable_indexscan = off;
SET LOCAL enable_indexonlyscan = off;
SET LOCAL enable_bitmapscan = off;
SET LOCAL enable_mergejoin = off;
SET LOCAL enable_partition_pruning = off;
