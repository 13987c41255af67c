-- What:  the tables of some names ($2) in some schemas ($1): which there are, what kind each is, and whose.
-- For:   finding the schema that has all tables of a profile.
-- Why:   a name is looked up once, in plain sight, and not by a search path each time.
SELECT schema.nspname::text AS schema, found.relname::text AS name
  FROM pg_class AS found
  JOIN pg_namespace AS schema ON schema.oid = found.relnamespace
 WHERE schema.nspname::text = ANY ($1::text[]) AND found.relname::text = ANY ($2::text[])
   AND found.relkind IN ('r', 'p', 'v', 'm', 'f');
