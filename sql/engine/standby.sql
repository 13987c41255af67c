-- What:  whether the server is a standby.
-- For:   delete: a standby may lag behind what it deletes.
-- Why:   of a list of servers nobody knows beforehand which one is the primary now.
SELECT pg_is_in_recovery() AS is_standby;
