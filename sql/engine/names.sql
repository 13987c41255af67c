-- What:  how many builds there are, how many names (number within project) and addresses, how many of these are
--        different, and how many builds tell too little to be judged.
-- For:   the list of what was not checked, and the rule duplicate-number, which has nothing to look for where all names
--        differ.
-- Why:   hashes are quicker to sort than texts. Two texts with one hash only cost a closer look.
SELECT count(*) AS builds,
       count(*) FILTER (WHERE build.project IS NOT NULL AND build.build_num IS NOT NULL) AS names,
       count(DISTINCT hashtextextended(build.project, build.build_num::bigint)) AS different_names,
       count(build.build_url) AS addresses,
       count(DISTINCT hashtextextended(build.build_url, 0)) AS different_addresses,
       count(build.queued_at) AS queued,
       count(*) FILTER (WHERE build.build_key IS NULL) AS without_key,
       count(*) FILTER (WHERE build.lifecycle IS NULL
                           OR build.lifecycle NOT IN ('queued', 'not_run', 'not_running', 'running', 'finished', 'held')) AS other_lifecycles,
       count(*) FILTER (WHERE build.stopped_at IS NULL
                          AND (build.lifecycle = 'running' AND build.started_at IS NULL AND build.queued_at IS NULL
                               OR build.lifecycle IN ('queued', 'not_running') AND build.started_at IS NULL
                                  AND build.queued_at IS NULL)) AS without_time,
       count(*) FILTER (WHERE build.queued_at  IS NULL AND build.raw_queued_at  IS NOT NULL
                           OR build.started_at IS NULL AND build.raw_started_at IS NOT NULL
                           OR build.stopped_at IS NULL AND build.raw_stopped_at IS NOT NULL) AS off_record,
       -- Out of order by minutes at most: clocks. More is impossible-times.
       count(*) FILTER (WHERE build.queued_at - build.started_at BETWEEN interval '1 second' AND interval '10 minutes') AS early_starts,
       extract(epoch FROM max(build.queued_at - build.started_at)
                 FILTER (WHERE build.queued_at - build.started_at BETWEEN interval '1 second' AND interval '10 minutes'))::bigint AS earliest_start,
       min(build.project) FILTER (WHERE build.queued_at - build.started_at BETWEEN interval '1 second' AND interval '10 minutes') AS first_early,
       max(build.project) FILTER (WHERE build.queued_at - build.started_at BETWEEN interval '1 second' AND interval '10 minutes') AS last_early,
       count(*) FILTER (WHERE build.started_at - build.stopped_at BETWEEN interval '1 second' AND interval '10 minutes') AS early_stops,
       extract(epoch FROM max(build.started_at - build.stopped_at)
                 FILTER (WHERE build.started_at - build.stopped_at BETWEEN interval '1 second' AND interval '10 minutes'))::bigint AS earliest_stop,
       count(*) FILTER (WHERE build.lifecycle = 'finished' AND build.queued_at IS NULL AND build.started_at IS NULL
                          AND build.stopped_at IS NULL) AS over_without_time,
       -- In the order of the lifecycles in the program.
       count(*) FILTER (WHERE build.lifecycle = 'queued') AS queued_builds,
       count(*) FILTER (WHERE build.lifecycle = 'held') AS held_builds,
       count(*) FILTER (WHERE build.lifecycle = 'not_run') AS not_run_builds,
       count(*) FILTER (WHERE build.lifecycle = 'not_running') AS not_running_builds,
       count(*) FILTER (WHERE build.lifecycle = 'running') AS running_builds,
       count(*) FILTER (WHERE build.lifecycle = 'finished') AS finished_builds
  FROM build;
