-- What delete --archive keeps of a build before it deletes it.
-- A part begins with its name. The program runs it alone, or as a piece of a longer statement (`halfbuilt rules --composed` prints these).
-- `:name` stands for a piece of SQL that the program fills in, as psql does: psql -v name=...
-- `$1` and the like are parameters; psql has \bind for them.

-- part: presented
-- What:  the rows of a relation, each as one value, with the key of its build.
-- For:   delete --archive with a profile that has no archive sections.
-- Why:   then nothing can be kept but what the profile presents. In psql: -v relation=step
SELECT presented.build_key, presented AS whole FROM :relation AS presented;

-- part: archived
-- What:  the rows of one table that belong to some builds, whose keys are $1: the place of the build in $1, and the row.
-- For:   delete --archive, before it deletes these builds.
-- Why:   each type writes its values as text that it reads again exactly: no number is rounded, and no array loses its bounds. In psql:
--        -v key_type=bigint
SELECT array_position(CAST($1::text[] AS :key_type[]), CAST(every.build_key AS :key_type))::bigint AS place, every.whole::text AS whole
  FROM every
 WHERE every.build_key = ANY (CAST($1::text[] AS :key_type[]));

-- part: not_archived
-- What:  the tables that refer, directly or through others, to the first of the tables in $1 (their schemas) and $2 (their names), and are none of these.
-- For:   delete --archive, and profiles --check: their rows may go with a build, and would not be in the archive.
-- Why:   nobody must silently forget a table that was added after the profile was written. Where a reference is only set to NULL, the row
--        stays: then the table of the row is named, and what refers to that table is not.
WITH RECURSIVE archived AS (
    SELECT class.oid, wanted.place
      FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS wanted (schema, name, place)
      JOIN pg_catalog.pg_namespace AS namespace ON namespace.nspname = wanted.schema
      JOIN pg_catalog.pg_class AS class ON class.relnamespace = namespace.oid AND class.relname = wanted.name
), reference AS (
    -- Those of partitions repeat those of their parent.
    SELECT found.conrelid AS child, found.confrelid AS parent, found.confdeltype NOT IN ('n', 'd') AS goes_with_it
      FROM pg_catalog.pg_constraint AS found
     WHERE found.contype = 'f' AND found.conparentid = 0
), deleted AS (
    SELECT archived.oid FROM archived WHERE archived.place = 1
     UNION
    SELECT reference.child FROM deleted JOIN reference ON reference.parent = deleted.oid AND reference.goes_with_it
)
SELECT DISTINCT reference.child::regclass::text AS child, reference.parent::regclass::text AS parent
  FROM deleted
  JOIN reference ON reference.parent = deleted.oid
 WHERE reference.child NOT IN (SELECT archived.oid FROM archived)
 ORDER BY child, parent;
