-- rule: unexplained
-- title: what is stored is not what was recorded, and no rule says why
-- needs: build, step, chunk
-- prefilter: whole
-- deletable: never
--
-- What:  builds all of whose sizes are on record, and whose pieces, counted once each, are not exactly what was recorded of each step: from 0
--        to its size.
-- For:   scan and verify: a safety net under the rules for output. Nobody knows yet what became of such a build, so it is not deleted.
-- Why:   whatever no rule has thought of must be said all the same.
-- Not:   a piece that is stored twice or overlaps another. Output of a step that says it has none: it was expired on purpose. A held build.
WITH recorded AS (
    SELECT step.build_key, step.step_key, min(step.name) AS name, max(step.output_size) AS size
      FROM step
     WHERE step.has_output
     GROUP BY step.build_key, step.step_key
), complete AS (
    SELECT step.build_key
      FROM step
     GROUP BY step.build_key
    HAVING bool_and(step.has_output IS NOT NULL AND (NOT step.has_output OR step.output_size IS NOT NULL))
), piece AS (
    SELECT chunk.build_key, chunk.step_key, chunk.first::numeric AS first, chunk.next::numeric AS next,
           max(chunk.next) OVER (PARTITION BY chunk.build_key, chunk.step_key ORDER BY chunk.first, chunk.next
                                 ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)::numeric AS reached
      FROM chunk
), stored AS (
    SELECT piece.build_key, piece.step_key, min(piece.first) AS begins_at, max(piece.next) AS ends_at,
           sum(greatest(piece.next - greatest(piece.first, piece.reached), 0)) AS amount
      FROM piece
     GROUP BY piece.build_key, piece.step_key
)
SELECT recorded.build_key,
       'step ' || coalesce(recorded.step_key::text, '(no key)') || coalesce(' "' || recorded.name || '"', '') || ': '
         || recorded.size || ' ' || unit.name || ' recorded, ' || coalesce(stored.amount, 0) || ' stored'
         || coalesce(' from ' || stored.begins_at || ' to ' || stored.ends_at, '') AS evidence
  FROM recorded
  JOIN complete ON complete.build_key = recorded.build_key
  JOIN build ON build.build_key = recorded.build_key AND build.lifecycle IS DISTINCT FROM 'held'
  LEFT JOIN stored ON stored.build_key = recorded.build_key AND stored.step_key = recorded.step_key
 CROSS JOIN (SELECT coalesce(nullif(current_setting('halfbuilt.unit', true), ''), 'units') AS name) AS unit
 WHERE (coalesce(stored.amount, 0) = recorded.size AND coalesce(stored.begins_at, 0) = 0
        AND coalesce(stored.ends_at, 0) = recorded.size) IS NOT TRUE
 ORDER BY recorded.build_key, recorded.step_key::text COLLATE "C";
