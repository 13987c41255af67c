-- What:  whether this is a standby, and when the server recovered from a crash last: its own record of R.
-- For:   scan, verify and delete, where R is not given.
-- Why:   statistics are thrown away by crash recovery, as after a restore from a snapshot, and survive clean restarts. Whoever resets one
--        kind by hand leaves the other: the two have to agree. A later crash moves both, which shows by builds in between. Any role may
--        ask. Seen on PostgreSQL 15.
SELECT pg_catalog.pg_is_in_recovery() AS is_standby,
       CASE WHEN bgwriter.stats_reset - archiver.stats_reset BETWEEN interval '-10 seconds' AND interval '10 seconds'
            THEN greatest(bgwriter.stats_reset, archiver.stats_reset)
       END AS recovered_at
  FROM pg_catalog.pg_stat_bgwriter AS bgwriter
 CROSS JOIN pg_catalog.pg_stat_archiver AS archiver;
