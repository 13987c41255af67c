-- rule: stuck-queued
-- title: the build was queued and never started
-- needs: build
--
-- What:  builds that wait for their start, and have waited since the backup time or before (or by now, where none is
--        given).
-- For:   scan, verify and delete.
-- Why:   the queue that would have started them is often not part of the backup; then nothing ever will.
-- Not:   a build that was skipped for good (not_run), one that has stopped, one that was queued after the backup.
SELECT build.build_key,
       'queued at ' || coalesce(to_char(build.queued_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), build.queued_at::text)
         || ', never started' AS evidence
  FROM build
 WHERE build.lifecycle IN ('queued', 'not_running')
   AND build.started_at IS NULL
   AND build.stopped_at IS NULL
   AND build.queued_at <= (SELECT coalesce(nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz, now()));
