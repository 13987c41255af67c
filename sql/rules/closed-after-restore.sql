-- rule: closed-after-restore
-- title: the build started before the backup, and the restored server closed it
-- needs: build, backup_time
-- deletable: where what ran is lost
--
-- What:  builds that had started by the backup time and stopped after the restore, or by the server's own start-up just before it.
-- For:   scan, verify and delete.
-- Why:   where no build survives a restore, some housekeeping closed what it found running, and the rows then look whole; only the
--        times give them away. From when on a stop is the restored server's own is found out before (premise.sql). A stop before R may be of
--        a backup that was taken later than T: it needs a second reason, or an earlier R, before its build is deletable.
-- Not:   a build that stopped by the backup time, however late it started; one that stopped between backup and restore, which no restored
--        server can have closed: then one of the two times is wrong, which is said. A build that waits on purpose (held).
SELECT build.build_key,
       'started ' || to_char(build.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
         || ', stopped ' || to_char(build.stopped_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
         || ', after the backup' AS evidence
  FROM build
 WHERE build.started_at <= (SELECT nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz)
   AND build.stopped_at >  (SELECT coalesce(nullif(current_setting('halfbuilt.closing_from', true), ''),
                                            nullif(current_setting('halfbuilt.restored_at', true), ''),
                                            nullif(current_setting('halfbuilt.backup_time', true), ''))::timestamptz)
   AND build.lifecycle IS DISTINCT FROM 'held';
