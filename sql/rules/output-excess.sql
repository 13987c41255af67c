-- rule: output-excess
-- title: more output is stored than was recorded, or in places that cannot be
-- needs: build, step, chunk
-- prefilter: whole
--
-- What:  steps of which more is stored than the CI recorded, and pieces of output that begin before 0, end before they begin, or have no place
--        on record.
-- For:   scan, verify and delete.
-- Why:   two runs in one log, or a row that was damaged: what a user sees is not what the build wrote.
-- Not:   a piece that is stored twice or overlaps another, and an empty piece: they do no harm. Output of a step that is not there is
--        orphan-output. A held build.
WITH placed AS (
    SELECT chunk.build_key, chunk.step_key,
           count(*) FILTER (WHERE chunk.first IS NULL OR chunk.next IS NULL) AS without_place,
           count(*) FILTER (WHERE chunk.first < 0 OR chunk.next < 0) AS before_0,
           count(*) FILTER (WHERE chunk.next < chunk.first) AS backwards,
           max(chunk.next) FILTER (WHERE chunk.next >= chunk.first) AS ends_at
      FROM chunk
     GROUP BY chunk.build_key, chunk.step_key
)
SELECT placed.build_key,
       'step ' || coalesce(placed.step_key::text, '(no key)') || coalesce(' "' || step.name || '"', '') || ': '
         || concat_ws(', ',
              CASE WHEN step.has_output AND placed.ends_at > step.output_size
                   THEN 'stored up to ' || placed.ends_at || ', where ' || step.output_size || ' ' || unit.name || ' were recorded' END,
              CASE WHEN placed.before_0 > 0 THEN 'pieces that lie before 0: ' || placed.before_0 END,
              CASE WHEN placed.backwards > 0 THEN 'pieces that end before they begin: ' || placed.backwards END,
              CASE WHEN placed.without_place > 0 THEN 'pieces without a place on record: ' || placed.without_place END) AS evidence
  FROM placed
  JOIN build ON build.build_key = placed.build_key AND build.lifecycle IS DISTINCT FROM 'held'
  LEFT JOIN step ON step.build_key = placed.build_key AND step.step_key = placed.step_key
 CROSS JOIN (SELECT coalesce(nullif(current_setting('halfbuilt.unit', true), ''), 'units') AS name) AS unit
 WHERE placed.before_0 > 0 OR placed.backwards > 0 OR placed.without_place > 0
    OR step.has_output AND placed.ends_at > step.output_size
 ORDER BY placed.build_key, step.started_at NULLS LAST, placed.step_key::text COLLATE "C";
