-- What:  the number that initdb gave the server's data directory.
-- For:   the tag that each row of a report carries, beside the name of the database.
-- Why:   databases of one name are on many servers. Standbys and other physical copies have the number of what they were copied
--        from: two restores of one physical backup cannot be told apart by it.
SELECT system_identifier::text FROM pg_catalog.pg_control_system();
