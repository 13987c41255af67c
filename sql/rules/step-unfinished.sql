-- rule: step-unfinished
-- title: the build is finished, a step of it never stopped
-- needs: build, step
-- prefilter: whole
--
-- What:  steps that started and never stopped, of builds that are finished.
-- For:   scan, verify and delete.
-- Why:   whatever closed the build forgot the step: the end of the step, and what it did until then, is lost.
-- Not:   an open step of a build that is running (that is the build's own fault), and a step that never started.
SELECT step.build_key,
       'step ' || coalesce(step.step_key::text, '(no key)') || coalesce(' "' || step.name || '"', '') || ': started '
         || coalesce(to_char(step.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), step.started_at::text)
         || ', never stopped' AS evidence
  FROM step
  JOIN build ON build.build_key = step.build_key
 WHERE step.started_at IS NOT NULL
   AND step.stopped_at IS NULL
   AND build.lifecycle = 'finished'
 ORDER BY step.build_key, step.started_at, step.step_key::text COLLATE "C";
