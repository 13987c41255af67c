-- What:  the tables that refer, directly or through others, to the first of the tables in $1 (their schemas) and $2 (their
--        names), and are none of these.
-- For:   delete --archive, and profiles --check: what they hold may go with a build, and would not be in the archive.
-- Why:   a table that was added after the profile was written must not be forgotten silently. Where a reference is only set to
--        NULL, the row stays: then the row is named, and what refers to that row is not.
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
