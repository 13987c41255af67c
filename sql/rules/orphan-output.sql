-- rule: orphan-output
-- title: stored output whose build, or whose step, does not exist
-- needs: build, chunk
-- deletable: never
-- prefilter: whole with parents
--
-- What:  pieces of output whose build does not exist, one finding for each missing build; and pieces whose build exists and whose step does
--        not, or that name no step, one finding for each such build.
-- For:   scan and verify. Where there is no build, there is nothing to delete; where there is one, this alone makes it not deletable.
-- Why:   the build, or the step, was deleted in the middle of the backup, or its table was restored from another moment.
-- Not:   output without its step where no step at all is on record (has_steps is false): then nothing is known of steps. Output without its
--        step of a held build.
SELECT chunk.build_key,
       coalesce('build ' || chunk.build_key || ' is not there; ', 'no build is named; ')
         || CASE count(*) WHEN 1 THEN '1 piece of output of it hangs' ELSE count(*) || ' pieces of output of it hang' END
         || ' in the air' AS evidence
  FROM chunk
 WHERE NOT EXISTS (SELECT FROM build WHERE build.build_key = chunk.build_key)
 GROUP BY chunk.build_key
UNION ALL
(SELECT chunk.build_key,
        coalesce('step ' || chunk.step_key || ' is not there; ', 'no step is named; ')
          || CASE count(*) WHEN 1 THEN '1 piece of output of it hangs' ELSE count(*) || ' pieces of output of it hang' END
          || ' in the air'
   FROM chunk
   JOIN build ON build.build_key = chunk.build_key AND build.lifecycle IS DISTINCT FROM 'held'
  WHERE (SELECT coalesce(nullif(current_setting('halfbuilt.has_steps', true), '')::boolean, EXISTS (SELECT FROM step)))
    AND NOT EXISTS (SELECT FROM step WHERE step.build_key = chunk.build_key AND step.step_key = chunk.step_key)
  GROUP BY chunk.build_key, chunk.step_key
  ORDER BY chunk.build_key, chunk.step_key::text COLLATE "C");
