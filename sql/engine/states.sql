-- What:  how many builds tell too little to be judged, have times that are not on record, or times that are out of order by as much as
--        clocks may be apart; and how many there are of each lifecycle.
-- For:   the list of what was not checked, and what is said besides the findings.
-- Why:   what cannot be known is said. Apart from names.sql: without distinct counts the server can add up in parallel.
SELECT count(*) FILTER (WHERE build.lifecycle IS NULL
                           OR build.lifecycle NOT IN ('queued', 'not_run', 'not_running', 'running', 'finished', 'held')) AS other_lifecycles,
       count(*) FILTER (WHERE build.stopped_at IS NULL
                          AND (build.lifecycle = 'running' AND build.started_at IS NULL AND build.queued_at IS NULL
                               OR build.lifecycle IN ('queued', 'not_running') AND build.started_at IS NULL
                                  AND build.queued_at IS NULL)) AS without_time,
       count(*) FILTER (WHERE build.queued_at  IS NULL AND build.raw_queued_at  IS NOT NULL
                           OR build.started_at IS NULL AND build.raw_started_at IS NOT NULL
                           OR build.stopped_at IS NULL AND build.raw_stopped_at IS NOT NULL) AS off_record,
       -- Out of order by minutes at most: clocks. More is impossible-times.
       count(*) FILTER (WHERE early.start) AS early_starts,
       extract(epoch FROM max(build.queued_at - build.started_at) FILTER (WHERE early.start))::bigint AS earliest_start,
       min(build.project) FILTER (WHERE early.start) AS first_early,
       max(build.project) FILTER (WHERE early.start) AS last_early,
       count(*) FILTER (WHERE early.stop) AS early_stops,
       extract(epoch FROM max(build.started_at - build.stopped_at) FILTER (WHERE early.stop))::bigint AS earliest_stop,
       count(*) FILTER (WHERE build.lifecycle = 'finished' AND build.queued_at IS NULL AND build.started_at IS NULL
                          AND build.stopped_at IS NULL) AS over_without_time,
       count(*) AS builds,
       count(build.queued_at) AS queueings,
       count(build.started_at) AS starts,
       -- In the order of the lifecycles in the program.
       count(*) FILTER (WHERE build.lifecycle = 'queued') AS queued_builds,
       count(*) FILTER (WHERE build.lifecycle = 'held') AS held_builds,
       count(*) FILTER (WHERE build.lifecycle = 'not_run') AS not_run_builds,
       count(*) FILTER (WHERE build.lifecycle = 'not_running') AS not_running_builds,
       count(*) FILTER (WHERE build.lifecycle = 'running') AS running_builds,
       count(*) FILTER (WHERE build.lifecycle = 'finished') AS finished_builds,
       -- Closed after the restore, or nobody knows when, and nothing of a start: mostly, but not for certain, what was cancelled while it
       -- waited. Without T nothing is asked.
       count(*) FILTER (WHERE build.lifecycle = 'finished' AND build.started_at IS NULL
                          AND (build.queued_at <= nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz
                                 + coalesce(nullif(current_setting('halfbuilt.clock_tolerance', true), ''), '0')::interval) IS NOT FALSE
                          AND (build.stopped_at > nullif(current_setting('halfbuilt.closing_from', true), '')::timestamptz
                               OR build.stopped_at IS NULL AND build.queued_at IS NOT NULL)
                          AND nullif(current_setting('halfbuilt.backup_time', true), '') IS NOT NULL) AS closed_unstarted
  FROM build
 CROSS JOIN LATERAL (SELECT build.started_at <= build.queued_at - interval '1 second'
                              AND build.started_at >= build.queued_at - interval '10 minutes' AS start,
                            build.stopped_at <= build.started_at - interval '1 second'
                              AND build.stopped_at >= build.started_at - interval '10 minutes' AS stop) AS early;
