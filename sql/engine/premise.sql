-- What:  whether T and R can be true, by all builds: how many did something between them, when first and when last; from when on a
--        stop is the restored server's own; whether what waits is started again; the database's clock; and when the CI showed the first
--        sign of life after R.
-- For:   scan, verify and delete, before any timing is told.
-- Why:   nothing that happened after T can be in a database that was restored from T, and nothing happened before R on a server that
--        was not there: a build that did something in between says that T, R or a clock is wrong. Clocks may be apart by the tolerance.
--        A server that starts may close what it finds running before it says that it is up. So stops alone in the last 15 minutes
--        before R, where nothing else happened, contradict nothing. Where T is less than half an hour before R, such stops might as well be
--        the last of a server that was still at work: then they have to lie within 2 minutes of one another, as a start-up's do.
--        What belongs to no build counts as well: it was written, by whomever. :among narrows output to the builds that may have been at
--        work after T. In psql: -v among=true
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
    UNION ALL
    SELECT chunk.build_key, chunk.stored_at
      FROM chunk
     WHERE chunk.stored_at > (SELECT setting.after FROM setting) AND chunk.stored_at < (SELECT setting.before FROM setting)
       AND :among
), start_up AS (
    SELECT NOT EXISTS (SELECT FROM sign WHERE sign.at > (SELECT setting.start_up FROM setting))
             AND ((SELECT setting.before - setting.after >= interval '30 minutes' FROM setting)
                  OR coalesce(max(build.stopped_at) - min(build.stopped_at) <= interval '2 minutes', true)) AS is_quiet,
           count(*) AS stops
      FROM build
     WHERE build.stopped_at > (SELECT setting.start_up FROM setting) AND build.stopped_at < (SELECT setting.before FROM setting)
), contradiction AS (
    SELECT sign.build_key, sign.at FROM sign
    UNION ALL
    SELECT build.build_key, build.stopped_at
      FROM build
     CROSS JOIN start_up
     WHERE build.stopped_at > (SELECT setting.after FROM setting) AND build.stopped_at < (SELECT setting.before FROM setting)
       AND (NOT start_up.is_quiet OR build.stopped_at <= (SELECT setting.start_up FROM setting))
), life AS (
    -- The CI is back when the first build is queued or started, however long its database has been.
    SELECT min(least(CASE WHEN build.queued_at  > (SELECT setting.restored_at FROM setting) THEN build.queued_at  END,
                     CASE WHEN build.started_at > (SELECT setting.restored_at FROM setting) THEN build.started_at END)) AS first_sign,
           coalesce(bool_or(build.queued_at > (SELECT setting.restored_at FROM setting)
                            AND build.started_at > (SELECT setting.restored_at FROM setting)), false) AS queue_moves
      FROM build
), counted AS (
    SELECT count(DISTINCT contradiction.build_key) + (count(*) > count(contradiction.build_key))::int AS builds, min(contradiction.at) AS first, max(contradiction.at) AS last
      FROM contradiction
)
SELECT counted.builds, counted.first, counted.last,
       CASE WHEN start_up.is_quiet THEN setting.start_up ELSE setting.restored_at END AS closing_from,
       life.queue_moves, now() AS now, life.first_sign, CASE WHEN start_up.is_quiet THEN start_up.stops ELSE 0 END AS start_up_stops
  FROM counted
 CROSS JOIN start_up
 CROSS JOIN life
 CROSS JOIN setting;
