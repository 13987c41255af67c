-- What:  the name of the database, and whether this role may ask for its server's system identifier.
-- For:   the tag that each row of a report carries, by which delete sees that a report is from another database.
-- Why:   asked first, in a statement of its own: a role that lacks the right gets a weaker tag, not an error. NULL where the server
--        has no such function.
SELECT pg_catalog.current_database()::text AS name,
       pg_catalog.has_function_privilege(pg_catalog.to_regprocedure('pg_catalog.pg_control_system()')::oid, 'EXECUTE') AS may_ask;
