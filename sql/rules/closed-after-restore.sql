-- rule: closed-after-restore
-- title: the build started before the backup, and the restored server closed it
-- needs: build, backup_time
-- deletable: where what ran is lost
-- finds: builds that had started by T
--
-- What:  builds that had started by the backup time and stopped after the restore, or in the server's own start-up just before it. Where
--        no start is on record, a step that had started by then, a piece of output that was stored by then (since the build was
--        queued), or the lifecycle running stands for it. Also builds that were over by the backup, or at no time on record, with a step
--        that had started by then and stopped after the restore.
-- For:   scan, verify and delete.
-- Why:   where no build survives a restore, housekeeping closed what it found running, and the rows then look whole; only their times
--        give them away. premise.sql finds out from when on a stop is the restored server's own. A stop before R may be of a backup that
--        was taken later than T: such a build is deletable only with a second reason, or with an earlier R. Clocks may differ by the
--        tolerance.
-- Not:   a build that stopped by the backup time, however late it started. A build that stopped between backup and restore, which no
--        restored server can have closed: then one of the two times is wrong, which the program says. A held build. A build that was
--        cancelled while it waited.
--        Where the versions of rows tell what was written after the restore, the evidence says so; nothing else depends on them.
WITH setting AS MATERIALIZED (
    SELECT nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz
             + coalesce(nullif(current_setting('halfbuilt.clock_tolerance', true), ''), '0')::interval AS started_by,
           coalesce(nullif(current_setting('halfbuilt.clock_tolerance', true), ''), '0')::interval AS tolerance,
           coalesce(nullif(current_setting('halfbuilt.closing_from', true), ''),
                    nullif(current_setting('halfbuilt.restored_at', true), ''),
                    nullif(current_setting('halfbuilt.backup_time', true), ''))::timestamptz AS closing_from,
           nullif(current_setting('halfbuilt.new_row_version', true), '')::bigint AS new_row_version
), closed AS MATERIALIZED (
    SELECT build.build_key, build.lifecycle, build.queued_at, build.started_at, build.stopped_at, build.row_version
      FROM build
     WHERE build.stopped_at > (SELECT setting.closing_from FROM setting)
       AND (build.started_at <= (SELECT setting.started_by FROM setting)
            OR build.started_at IS NULL AND (build.queued_at <= (SELECT setting.started_by FROM setting)) IS NOT FALSE)
       AND build.lifecycle IS DISTINCT FROM 'held'
), late AS MATERIALIZED (
    SELECT step.build_key, min(step.started_at) AS started_at, max(step.stopped_at) AS stopped_at
      FROM step
     WHERE step.started_at <= (SELECT setting.started_by FROM setting) AND step.stopped_at > (SELECT setting.closing_from FROM setting)
     GROUP BY step.build_key
), sign AS (
    SELECT step.build_key, step.started_at AS at
      FROM step WHERE step.build_key IN (SELECT closed.build_key FROM closed WHERE closed.started_at IS NULL)
    UNION ALL
    SELECT chunk.build_key, chunk.stored_at
      FROM chunk WHERE chunk.build_key IN (SELECT closed.build_key FROM closed WHERE closed.started_at IS NULL)
), first_sign AS (
    -- A sign older than the queueing is of an earlier attempt.
    SELECT sign.build_key, min(sign.at) AS at
      FROM sign
      JOIN closed ON closed.build_key = sign.build_key
     CROSS JOIN setting
     WHERE (sign.at >= closed.queued_at - setting.tolerance) IS NOT FALSE
     GROUP BY sign.build_key
)
SELECT closed.build_key,
       CASE WHEN closed.started_at IS NOT NULL
            THEN 'started ' || to_char(closed.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
            WHEN first_sign.at <= setting.started_by
            THEN 'at work at ' || to_char(first_sign.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
            ELSE 'running' END
         || ', stopped ' || to_char(closed.stopped_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
         || ', after the backup'
         || CASE WHEN closed.row_version::text::bigint >= setting.new_row_version THEN '; its row was written after the restore' ELSE '' END AS evidence
  FROM closed
 CROSS JOIN setting
  LEFT JOIN first_sign ON first_sign.build_key = closed.build_key
 WHERE closed.started_at IS NOT NULL OR first_sign.at <= setting.started_by OR closed.lifecycle = 'running'
UNION ALL
SELECT late.build_key,
       'a step started ' || to_char(late.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
         || ', stopped ' || to_char(late.stopped_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
         || ', after the backup'
  FROM late
  JOIN build ON build.build_key = late.build_key
 CROSS JOIN setting
 WHERE build.lifecycle = 'finished'
   AND (build.stopped_at > setting.started_by) IS NOT TRUE;
