-- What:  who holds what the session of process $1 waits for, as far as this role may see it; nothing where it waits for no lock.
-- For:   every command that reads, while the server has not answered for some seconds.
-- Why:   a table that somebody changes may not even be looked at: a person who knows whose fault it is can do something about it.
SELECT holder.pid::bigint AS pid, session.usename::text AS role, session.application_name AS program,
       coalesce(host(session.client_addr), CASE WHEN session.client_port = -1 THEN 'a socket of its own machine' END) AS client,
       session.xact_start AS since
  FROM unnest(pg_blocking_pids($1::integer)) AS holder (pid)
  LEFT JOIN pg_stat_activity AS session ON session.pid = holder.pid
 ORDER BY holder.pid;
