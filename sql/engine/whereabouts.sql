-- What:  whether the server is a standby, and in which schemas tables are looked for.
-- For:   delete: a standby may lag behind what it deletes, and a run that goes on has to read the same tables as before.
-- Why:   a database is more than its name: search_path decides which of two tables of one name is read.
SELECT pg_catalog.pg_is_in_recovery() AS is_standby,
       pg_catalog.array_to_string(pg_catalog.current_schemas(false), ', ') AS schemas;
