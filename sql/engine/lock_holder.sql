-- What:  the sessions that hold the lock of lock.sql in this database, as far as this role may see them.
-- For:   delete, to say who is at work already.
-- Why:   who, on which machine, in which process and since when is what an operator needs to find the colleague: lock_stays.sql puts it
--        into the session's name. Names and addresses of others are hidden from a role that is not in pg_read_all_stats; the server's
--        process id never is. classid and objid are the two halves of the number.
SELECT held.pid::bigint AS pid, session.usename::text AS role, session.application_name AS program,
       coalesce(host(session.client_addr), CASE WHEN session.client_port = -1 THEN 'a socket of its own machine' END) AS client,
       coalesce(session.xact_start, session.backend_start) AS since
  FROM pg_locks AS held
  LEFT JOIN pg_stat_activity AS session ON session.pid = held.pid
 WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
   AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND held.classid::bigint = 7521412039678979188 >> 32
   AND held.objid::bigint = 7521412039678979188 & 4294967295
   AND held.pid <> pg_backend_pid()
 ORDER BY held.pid;
