-- What:  whether T and R can be true, by all builds: how many did something between them, when first and when last; from when on a
--        stop is the restored server's own; whether what waits is started again; and the database's clock.
-- For:   scan, verify and delete, before any timing is told.
-- Why:   nothing that happened after T can be in a database that was restored from T, and nothing happened before R on a server that
--        was not there: a build that did something in between says that T, R or a clock is wrong. Clocks may be apart by the tolerance.
--        A server that starts may close what it finds running before it says that it is up. So stops alone in the last 15 minutes
--        before R, where nothing else happened, contradict nothing.
--        :among narrows output to the builds that may have been at work after T. In psql: -v among='IS NOT NULL'
WITH setting AS MATERIALIZED (
    SELECT nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz
             + nullif(current_setting('halfbuilt.clock_tolerance', true), '')::interval AS after,
           nullif(current_setting('halfbuilt.restored_at', true), '')::timestamptz
             - nullif(current_setting('halfbuilt.clock_tolerance', true), '')::interval AS before,
           nullif(current_setting('halfbuilt.restored_at', true), '')::timestamptz AS restored_at,
           greatest(nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz
                      + nullif(current_setting('halfbuilt.clock_tolerance', true), '')::interval,
                    nullif(current_setting('halfbuilt.restored_at', true), '')::timestamptz - interval '15 minutes') AS start_up
), sign AS MATERIALIZED (
    SELECT build.build_key, seen.at
      FROM build
     CROSS JOIN LATERAL (VALUES (build.queued_at), (build.started_at)) AS seen (at)
     WHERE seen.at > (SELECT setting.after FROM setting) AND seen.at < (SELECT setting.before FROM setting)
    UNION ALL
    SELECT step.build_key, step.started_at
      FROM step
     WHERE step.started_at > (SELECT setting.after FROM setting) AND step.started_at < (SELECT setting.before FROM setting)
       AND step.build_key IN (SELECT build.build_key FROM build)
    UNION ALL
    SELECT chunk.build_key, chunk.stored_at
      FROM chunk
     WHERE chunk.stored_at > (SELECT setting.after FROM setting) AND chunk.stored_at < (SELECT setting.before FROM setting)
       AND chunk.build_key :among
), start_up AS (
    SELECT NOT EXISTS (SELECT FROM sign WHERE sign.at > (SELECT setting.start_up FROM setting)) AS is_quiet
), contradiction AS (
    SELECT sign.build_key, sign.at FROM sign
    UNION ALL
    SELECT build.build_key, build.stopped_at
      FROM build
     CROSS JOIN start_up
     WHERE build.stopped_at > (SELECT setting.after FROM setting) AND build.stopped_at < (SELECT setting.before FROM setting)
       AND (NOT start_up.is_quiet OR build.stopped_at <= (SELECT setting.start_up FROM setting))
), counted AS (
    SELECT count(DISTINCT contradiction.build_key) AS builds, min(contradiction.at) AS first, max(contradiction.at) AS last
      FROM contradiction
)
SELECT counted.builds, counted.first, counted.last,
       CASE WHEN start_up.is_quiet THEN setting.start_up ELSE setting.restored_at END AS closing_from,
       EXISTS (SELECT FROM build WHERE build.queued_at > (SELECT setting.restored_at FROM setting)
                                   AND build.started_at > (SELECT setting.restored_at FROM setting)) AS queue_moves,
       now() AS now
  FROM counted
 CROSS JOIN start_up
 CROSS JOIN setting;
