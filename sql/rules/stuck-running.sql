-- rule: stuck-running
-- title: the build shows as running and never stopped
-- needs: build
--
-- What:  builds that are running, had started by the backup time (or by now, where none is given), and never stopped.
-- For:   scan, verify and delete.
-- Why:   the backup was taken while they ran; nothing on the restored server will ever finish them.
-- Not:   a build that started after the backup is really running. Where no start is on record, the queueing counts.
SELECT since.build_key,
       'running since ' || coalesce(to_char(since.time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), since.time::text) || ', never stopped' AS evidence
  FROM (SELECT build.build_key, coalesce(build.started_at, build.queued_at) AS time
          FROM build
         WHERE build.lifecycle = 'running' AND build.stopped_at IS NULL) AS since
 WHERE since.time <= (SELECT coalesce(nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz, now()));
