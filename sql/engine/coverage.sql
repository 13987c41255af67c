-- What:  how many steps there are, how many of them belong to a build in scope, and how many of these tell nothing by
--        which cut output could be seen.
-- For:   the list of what was not checked, and the rules that look for orphans, which have nothing to look for where every
--        step has its build.
-- Why:   a step that is over, has output (or does not say whether it has), and of which neither the size nor the end is on
--        record, may be cut without anybody being able to see it. To call it clean would be a guess.
SELECT count(*) AS every_step,
       count(build.build_key) AS steps,
       count(*) FILTER (WHERE build.build_key IS NOT NULL AND step.output_size IS NULL AND step.output_closed IS NULL
                          AND (step.has_output IS NULL
                               OR step.has_output AND (step.stopped_at IS NOT NULL OR step.started_at IS NULL))
                           OR build.build_key IS NOT NULL AND step.output_size IS NULL AND step.output_closed IS FALSE
                          AND step.has_output IS NULL AND step.started_at IS NULL AND step.stopped_at IS NULL) AS steps_without_end,
       count(*) FILTER (WHERE build.build_key IS NOT NULL
                          AND (step.started_at IS NULL AND step.raw_started_at IS NOT NULL
                               OR step.stopped_at IS NULL AND step.raw_stopped_at IS NOT NULL)) AS off_record
  FROM step
  LEFT JOIN build ON build.build_key = step.build_key;
