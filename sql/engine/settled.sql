-- What:  whether this transaction is still the one that session.sql has settled, in which session of the server it runs, and whether one
--        of the sessions $1 holds the lock of a deletion, as lock.sql takes it.
-- For:   every snapshot, when it begins and once more before anything that it said is believed.
-- Why:   something between halfbuilt and the server may move a transaction to another session, or run its statements one by one:
--        then rows may be hidden by a policy, and tables be others. classid and objid are the two halves of the lock's number.
SELECT pg_backend_pid()::bigint AS pid,
       current_setting('search_path') = 'pg_catalog, pg_temp'
   AND current_setting('row_security') = 'off'
   AND current_setting('TimeZone') = 'UTC'
   AND current_setting('transaction_read_only') = 'on'
   AND current_setting('transaction_isolation') = 'repeatable read' AS settled,
       EXISTS (SELECT FROM pg_locks AS held
                WHERE held.pid::bigint = ANY ($1::bigint[])
                  AND held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
                  AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                  AND held.classid::bigint = 7521412039678979188 >> 32
                  AND held.objid::bigint = 7521412039678979188 & 4294967295) AS locked;
