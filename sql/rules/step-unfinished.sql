-- rule: step-unfinished
-- title: the build is finished, and one of its steps never stopped
-- needs: build, step
-- prefilter: whole
-- deletable: row by row
--
-- What:  steps of finished builds that started and never stopped.
-- For:   scan, verify and delete.
-- Why:   whatever closed the build forgot the step: its end, and what it did until then, is lost. Where most steps of one name, or most
--        builds of one status word or project, are so, this CI writes them that way: such a build is reported, and not deleted.
-- Not:   an open step of a running build (that is the build's own fault), and a step that never started.
WITH habit AS MATERIALIZED (
    SELECT unnest(nullif(current_setting('halfbuilt.step_habits', true), '')::text[]) AS name
)
SELECT step.build_key,
       'step ' || coalesce(step.step_key::text, '(no key)') || coalesce(' "' || step.name || '"', '') || ': started '
         || coalesce(to_char(step.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), step.started_at::text)
         || ', never stopped' AS evidence,
       CASE WHEN 'open:' || md5(coalesce('=' || step.name, '')) IN (SELECT habit.name FROM habit)
            THEN 'most steps ' || coalesce('"' || left(step.name, 80) || '"', 'without a name') || ' never stop: a habit of this CI?'
            WHEN 'open-status:' || md5(coalesce('=' || build.status, '')) IN (SELECT habit.name FROM habit)
            THEN 'most builds ' || coalesce('of status "' || left(build.status, 80) || '"', 'without a status') || ' leave steps open: a habit of this CI?'
            WHEN 'open-project:' || md5(coalesce('=' || build.project, '')) IN (SELECT habit.name FROM habit)
            THEN 'most builds ' || CASE WHEN build.project IS NULL THEN 'without a project' ELSE 'of its project' END
                   || ' leave steps open: a habit of this CI?'
            WHEN 'open' IN (SELECT habit.name FROM habit)
            THEN 'most steps never stop: a habit of this CI?' END AS obstacle
  FROM step
  JOIN build ON build.build_key = step.build_key
 WHERE step.started_at IS NOT NULL
   AND step.stopped_at IS NULL
   AND build.lifecycle = 'finished'
 ORDER BY step.build_key, step.started_at, step.step_key::text COLLATE "C";
