-- What:  whether this transaction is still the one that session.sql has settled, and in which session of the server it runs.
-- For:   every snapshot, when it begins and once more before anything that it said is believed.
-- Why:   something between halfbuilt and the server may move a transaction to another session, or run its statements one by one:
--        then rows may be hidden by a policy, and tables be others.
SELECT pg_backend_pid()::bigint AS pid,
       current_setting('search_path') = 'pg_catalog, pg_temp'
   AND current_setting('row_security') = 'off'
   AND current_setting('TimeZone') = 'UTC'
   AND current_setting('transaction_read_only') = 'on'
   AND current_setting('transaction_isolation') = 'repeatable read' AS settled;
