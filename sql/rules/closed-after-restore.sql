-- rule: closed-after-restore
-- title: the build started before the backup and stopped after it
-- needs: build, backup_time
--
-- What:  builds that had started by the backup time and stopped after it.
-- For:   scan, verify and delete.
-- Why:   no build survives a restore. Some servers close what they find running when they start, and the rows then
--        look whole; only the two times give them away.
-- Not:   a build that stopped by the backup time, however late it started.
SELECT build.build_key,
       'started ' || coalesce(to_char(build.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), build.started_at::text)
         || ', stopped ' || coalesce(to_char(build.stopped_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), build.stopped_at::text)
         || ', after the backup' AS evidence
  FROM build
 WHERE build.started_at <= (SELECT nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz)
   AND build.stopped_at >  (SELECT nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz);
