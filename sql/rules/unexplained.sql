-- rule: unexplained
-- title: what is stored is not what was recorded, and no rule says why
-- needs: build, step, chunk
-- deletable: never
-- finds: what no other rule explains
-- prefilter: whole
--
-- What:  builds whose output is not exactly as long as the CI recorded: of a step that is over (or whose build is), and whose size is on
--        record, the stored pieces together, each place counted once, are not the places from 0 to its size. Only builds that no other rule
--        reports.
-- For:   scan and verify: a safety net under the rules for output. A person has to look.
-- Why:   each rule asks for one kind of damage. Here the lengths are added up, whatever may be wrong; so what a rule does not foresee, or what
--        a rule that was left out would have found, is not called clean.
-- Not:   output that was expired on purpose (has_output is false); a step that does not say whether it has output, and of which nothing is
--        stored. A piece that is stored twice, overlaps another, or is empty. A build without any output that is older than all builds with
--        some, where the CI expires output by age. A held build.
WITH kept AS MATERIALIZED (
    SELECT nullif(current_setting('halfbuilt.output_kept_since', true), '')::timestamptz[] AS since
), mark AS (
    -- Where pieces begin and end.
    SELECT chunk.build_key, chunk.step_key, mark.place, mark.change
      FROM chunk
     CROSS JOIN LATERAL (VALUES (chunk.first, 1), (chunk.next, -1)) AS mark (place, change)
     WHERE chunk.first < chunk.next
), stretch AS (
    -- From each mark to the next, and how many pieces lie there.
    SELECT mark.build_key, mark.step_key, mark.place, lead(mark.place) OVER by_place AS until, sum(mark.change) OVER by_place AS pieces
      FROM mark
    WINDOW by_place AS (PARTITION BY mark.build_key, mark.step_key ORDER BY mark.place ROWS UNBOUNDED PRECEDING)
), filled AS (
    SELECT stretch.build_key, stretch.step_key, sum(stretch.until::numeric - stretch.place) FILTER (WHERE stretch.pieces > 0) AS units,
           min(stretch.place) AS begins_at, max(stretch.place) AS ends_at
      FROM stretch
     GROUP BY stretch.build_key, stretch.step_key
), odd AS (
    SELECT DISTINCT chunk.build_key, chunk.step_key FROM chunk WHERE (chunk.first <= chunk.next) IS NOT TRUE
), seen AS (
    SELECT step.build_key, step.step_key, step.name, step.started_at,
           CASE WHEN odd.build_key IS NOT NULL THEN 'the places of its pieces are not in order'
                WHEN filled.build_key IS NULL THEN 'nothing is stored, ' || step.output_size || ' ' || unit.name || ' were recorded'
                ELSE filled.units || ' ' || unit.name || ' are stored, from ' || filled.begins_at || ' to ' || filled.ends_at || ', and '
                       || step.output_size || ' were recorded' END AS evidence
      FROM step
      JOIN build ON build.build_key = step.build_key AND build.lifecycle IS DISTINCT FROM 'held'
      LEFT JOIN filled ON filled.build_key = step.build_key AND filled.step_key = step.step_key
      LEFT JOIN odd ON odd.build_key = step.build_key AND odd.step_key = step.step_key
     CROSS JOIN (SELECT coalesce(nullif(current_setting('halfbuilt.unit', true), ''), 'units') AS name) AS unit
     WHERE step.output_size IS NOT NULL
       AND (step.has_output OR step.has_output IS NULL AND (filled.build_key IS NOT NULL OR odd.build_key IS NOT NULL))
       AND (step.stopped_at IS NOT NULL OR build.stopped_at IS NOT NULL OR build.lifecycle IN ('finished', 'not_run'))
       AND (filled.build_key IS NOT NULL
            OR (SELECT build.started_at < kept.since[1] OR build.stopped_at < kept.since[2] FROM kept) IS NOT TRUE
            OR EXISTS (SELECT FROM chunk WHERE chunk.build_key = build.build_key))
       AND (odd.build_key IS NOT NULL OR coalesce(filled.units, 0) <> step.output_size OR filled.begins_at < 0 OR filled.ends_at > step.output_size)
    UNION ALL
    SELECT chunk.build_key, chunk.step_key, NULL, NULL, 'output is stored, and the step is not on record'
      FROM chunk
      JOIN build ON build.build_key = chunk.build_key AND build.lifecycle IS DISTINCT FROM 'held'
     WHERE (SELECT coalesce(nullif(current_setting('halfbuilt.has_steps', true), '')::boolean, EXISTS (SELECT FROM step)))
       AND NOT EXISTS (SELECT FROM step WHERE step.build_key = chunk.build_key AND step.step_key = chunk.step_key)
     GROUP BY chunk.build_key, chunk.step_key
)
SELECT seen.build_key, 'step ' || coalesce(seen.step_key::text, '(no key)') || coalesce(' "' || seen.name || '"', '') || ': ' || seen.evidence AS evidence
  FROM seen
 ORDER BY seen.build_key, seen.started_at NULLS LAST, seen.step_key::text COLLATE "C";
