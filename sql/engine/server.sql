-- What is asked of the server: which one it is, who asks, and who else is at work on it.
-- A part begins with its name. The program runs it alone, or as a piece of a longer statement (`halfbuilt rules --composed` prints these).
-- `$1` and the like are parameters; psql has \bind for them.

-- part: kind
-- What:  whether the server is a standby, and whether a transaction on it may only read (on or off).
-- For:   connections that want one kind of server out of several (target_session_attrs).
-- Why:   nobody knows beforehand which server of a list is the primary. This runs before any setting is made: each name has its schema,
--        and nothing is compared.
SELECT pg_catalog.pg_is_in_recovery()                       AS in_recovery,
       pg_catalog.current_setting('transaction_read_only')  AS read_only;

-- part: standby
-- What:  whether the server is a standby.
-- For:   delete.
-- Why:   a standby may lag behind, and still show what was deleted.
SELECT pg_is_in_recovery() AS is_standby;

-- part: version
-- What:  the version of the server, such as 150018.
-- For:   every scan, once.
-- Why:   before version 14, a server searches a long list of keys from its beginning for every row.
SELECT current_setting('server_version_num')::bigint AS version;

-- part: identity
-- What:  the name of the database, and whether this role may ask for its server's system identifier.
-- For:   the tag in each row of a report, by which delete sees that a report is of another database.
-- Why:   it is a statement of its own, and the first: a role without the right gets a weaker tag, not an error. NULL where the server has
--        no such function.
SELECT pg_catalog.current_database()::text AS name,
       pg_catalog.has_function_privilege(pg_catalog.to_regprocedure('pg_catalog.pg_control_system()')::oid, 'EXECUTE') AS may_ask;

-- part: system_identifier
-- What:  the number that initdb gave the server's data directory.
-- For:   the same tag, beside the name of the database.
-- Why:   many servers have databases of the same name. A standby or another physical copy has the number of its original: it cannot
--        distinguish two restores of one physical backup.
SELECT system_identifier::text FROM pg_catalog.pg_control_system();

-- part: position
-- What:  the timeline of the server's log (eight hexadecimal digits), and how many bytes the log has; NULL on a standby.
-- For:   delete, when it begins and after each lost connection.
-- Why:   a promoted standby begins a new timeline, and may lack what its primary committed last. A restored server has less log than
--        before. In both cases a deleted build may be back.
SELECT CASE WHEN NOT pg_is_in_recovery() THEN left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END AS timeline,
       CASE WHEN NOT pg_is_in_recovery() THEN (pg_current_wal_insert_lsn() - pg_lsn '0/0')::bigint END AS written;

-- part: role
-- What:  the role that runs all statements, and whether it is a superuser.
-- For:   scan, verify, manifest and delete with a profile or rules of your own.
-- Why:   these are SQL that somebody wrote, and they may do whatever this role may do. A read-only transaction does not keep a superuser
--        away from the server's files or from other databases.
SELECT role.rolname::text AS name, role.rolsuper AS is_superuser FROM pg_roles AS role WHERE role.rolname = current_user;

-- part: lock_transaction
-- What:  begins the transaction that holds the deletion lock.
-- For:   the connection that takes the lock, and the one that watches what another connection waits for; before the part `session`.
-- Why:   it only reads, and each of its statements sees the present: so it keeps no old rows alive, however long it is open.
START TRANSACTION READ ONLY, ISOLATION LEVEL READ COMMITTED;

-- part: lock_settings
-- What:  names the holder of the deletion lock ($1, one word for pg_stat_activity), and lets its transaction last.
-- For:   the connection that takes the lock, before the part `lock`.
-- Why:   the lock belongs to a transaction, and the transaction waits while builds are deleted: no limit for idle sessions may end it. Not
--        every server has each of these limits.
SELECT set_config('application_name', $1, true)
UNION ALL
SELECT set_config(name, '0', true) FROM pg_settings
 WHERE name IN ('idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout', 'statement_timeout');

-- part: lock
-- What:  takes the lock that allows one deletion at a time on this database; false if somebody else has it.
-- For:   delete --execute, once, before it plans, on a connection of its own.
-- Why:   two deletions at once would each take the other's work for a change. The lock belongs to the transaction, and ends with it, however
--        that ends. A pooler has to keep the session while the transaction is open. The transaction is idle and reads nothing, so it
--        keeps no old rows alive. Only this database of this server knows the lock: a standby has locks of its own, which its primary
--        does not see. The number is "halfbilt" in ASCII.
SELECT pg_try_advisory_xact_lock(7521412039678979188) AS taken, pg_backend_pid()::bigint AS pid;

-- part: lock_holder
-- What:  the sessions that hold the deletion lock of this database, as far as this role may see them.
-- For:   delete, which names whoever is at work already.
-- Why:   an operator needs the person, the machine, the process and the time to find the colleague; the part `lock_settings` puts them into
--        the session's name. A role outside pg_read_all_stats does not see the names and addresses of others, but always the server's
--        process. classid and objid are the two halves of the lock's number.
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

-- part: lock_held
-- What:  whether one of the server's processes $1 holds the deletion lock.
-- For:   every snapshot of a deletion: when it begins, and again before anything that it gave is used.
-- Why:   the lock is held by another connection, which may be lost, or lead to another server than the one that is read. classid and objid
--        are the two halves of the lock's number.
SELECT EXISTS (SELECT FROM pg_locks AS held
                WHERE held.pid::bigint = ANY ($1::bigint[])
                  AND held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
                  AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                  AND held.classid::bigint = 7521412039678979188 >> 32
                  AND held.objid::bigint = 7521412039678979188 & 4294967295) AS held;

-- part: waits
-- What:  who holds what the server's process $1 waits for, as far as this role may see it; nothing where it waits for no lock.
-- For:   every command that reads, while the server has not answered for some seconds.
-- Why:   nobody can even look at a table that somebody else is altering: a person who knows the culprit can do something about it.
SELECT holder.pid::bigint AS pid, session.usename::text AS role, session.application_name AS program,
       coalesce(host(session.client_addr), CASE WHEN session.client_port = -1 THEN 'a socket of its own machine' END) AS client,
       session.xact_start AS since
  FROM unnest(pg_blocking_pids($1::integer)) AS holder (pid)
  LEFT JOIN pg_stat_activity AS session ON session.pid = holder.pid
 ORDER BY holder.pid;
