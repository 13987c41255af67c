-- What:  in which timeline a server writes its log (eight hexadecimal digits), and how many bytes it has written; NULL on a standby.
-- For:   delete, when it begins and after each lost connection.
-- Why:   a standby that was promoted begins a new timeline, and may lack what its primary had committed last; a server that was restored
--        has less in its log than before. What was deleted may then be there again.
SELECT CASE WHEN NOT pg_is_in_recovery() THEN left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END AS timeline,
       CASE WHEN NOT pg_is_in_recovery() THEN (pg_current_wal_insert_lsn() - pg_lsn '0/0')::bigint END AS written;
