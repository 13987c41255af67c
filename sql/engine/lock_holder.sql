-- What:  the sessions that hold the lock of lock.sql in this database, as far as this role may see them.
-- For:   delete, to say who is at work already.
-- Why:   a process id and an address are what an operator needs to find the colleague. Others' addresses are hidden from a role that
--        is not in pg_read_all_stats; the process id never is. classid and objid are the two halves of the number.
SELECT held.pid::bigint AS pid, session.usename::text AS role, session.application_name AS program,
       coalesce(session.client_addr::text, CASE WHEN session.client_port = -1 THEN 'a socket of its own machine' END) AS client,
       session.backend_start AS since
  FROM pg_catalog.pg_locks AS held
  LEFT JOIN pg_catalog.pg_stat_activity AS session ON session.pid = held.pid
 WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
   AND held.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
   AND held.classid::bigint = 7521412039678979188 >> 32
   AND held.objid::bigint = 7521412039678979188 & 4294967295
   AND held.pid <> pg_catalog.pg_backend_pid()
 ORDER BY held.pid;
