-- What:  how many steps there are, and how many of them tell nothing by which cut output could be seen.
-- For:   the list of what was not checked.
-- Why:   a step that is over, has output (or does not say whether it has), and of which neither the size nor the end is on
--        record, may be cut without anybody being able to see it. To call it clean would be a guess.
SELECT count(*) AS steps,
       count(*) FILTER (WHERE step.output_size IS NULL AND step.output_closed IS NULL
                          AND (step.has_output IS NULL
                               OR step.has_output AND (step.stopped_at IS NOT NULL OR step.started_at IS NULL))) AS steps_without_end
  FROM step
 WHERE step.build_key IN (SELECT build.build_key FROM build);
