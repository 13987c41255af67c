-- What:  the type of each column that the statement `asked` gives, in their order: name, schema and, where it is the row of a table or
--        another composite type, the names of its columns. `columns` are names for them, `types` their pg_typeof.
-- For:   the same as column_names.sql.
-- Why:   the same. A domain is told as what it is a domain over, as the server does when it describes a result.
WITH RECURSIVE given (type, place) AS (
  SELECT listed.type, listed.place
    FROM (SELECT ARRAY[:types]::oid[] AS types
            FROM (SELECT) AS nothing
            LEFT JOIN (SELECT * FROM (SELECT * FROM (
:"asked"
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
