-- What the server says of its own start and history.
-- A part begins with its name. The program runs it alone.

-- part: witnesses
-- What:  whether this is a standby, when the server was started last, and the time of the last transaction that it replayed from a log.
-- For:   times.
-- Why:   a recovery to a point in time leaves the last transaction that it replayed on record until the next start, and so T; a crash
--        recovery leaves none. Any role may ask. Tried on PostgreSQL 13 to 18.
SELECT pg_catalog.pg_is_in_recovery()               AS is_standby,
       pg_catalog.pg_postmaster_start_time()        AS started_at,
       pg_catalog.pg_last_xact_replay_timestamp()   AS replayed_at;
