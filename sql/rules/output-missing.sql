-- rule: output-missing
-- title: the step has output, and none of it is stored
-- needs: build, step, chunk
-- prefilter: whole
--
-- What:  steps that have output according to the CI, of which no piece is stored.
-- For:   scan, verify and delete.
-- Why:   the pieces were written after the backup, or to a place that was not backed up.
-- Not:   a step whose output is 0 long. Output that was expired on purpose (has_output is false). A build without any output that is older
--        than all builds with some, where the CI expires output by age. A held build.
WITH kept AS MATERIALIZED (
    SELECT nullif(current_setting('halfbuilt.output_kept_since', true), '')::timestamptz[] AS since
)
SELECT step.build_key,
       'step ' || coalesce(step.step_key::text, '(no key)') || coalesce(' "' || step.name || '"', '') || ': '
         || CASE WHEN step.output_size IS NULL THEN 'has output, none is stored'
                 ELSE 'none of ' || step.output_size || ' ' || unit.name || ' stored' END AS evidence
  FROM step
  JOIN build ON build.build_key = step.build_key AND build.lifecycle IS DISTINCT FROM 'held'
 CROSS JOIN (SELECT coalesce(nullif(current_setting('halfbuilt.unit', true), ''), 'units') AS name) AS unit
 WHERE step.has_output
   AND step.output_size IS DISTINCT FROM 0
   AND NOT EXISTS (SELECT FROM chunk WHERE chunk.build_key = step.build_key AND chunk.step_key = step.step_key)
   AND ((SELECT build.started_at < kept.since[1] OR build.stopped_at < kept.since[2] FROM kept) IS NOT TRUE
        OR EXISTS (SELECT FROM chunk WHERE chunk.build_key = step.build_key))
 ORDER BY step.build_key, step.started_at NULLS LAST, step.step_key::text COLLATE "C";
