-- rule: output-gap
-- title: the stored output has a hole
-- needs: build, step, chunk
-- prefilter: whole
--
-- What:  steps whose stored pieces do not join up from 0 to their end.
-- For:   scan, verify and delete.
-- Why:   a piece that was on its way when the backup was taken is missing in the middle.
-- Not:   a piece that is stored twice, or overlaps another, is no hole, and does not hide one. Output that ends too early is
--        output-truncated. A piece of unknown place, or that ends before it begins, holds nothing: it is output-excess. A held build.
WITH piece AS (
    SELECT chunk.build_key, chunk.step_key, chunk.first,
           greatest(max(chunk.next) OVER (PARTITION BY chunk.build_key, chunk.step_key
                                          ORDER BY chunk.first, chunk.next
                                          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS stored_up_to
      FROM chunk
     WHERE chunk.first <= chunk.next
), hole AS (
    SELECT piece.build_key, piece.step_key,
           count(*) AS holes, sum(piece.first - piece.stored_up_to) AS missing,
           min(piece.stored_up_to) AS hole_from, min(piece.first) AS hole_to
      FROM piece
     WHERE piece.first > piece.stored_up_to
     GROUP BY piece.build_key, piece.step_key
)
SELECT hole.build_key,
       'step ' || coalesce(hole.step_key::text, '(no key)') || coalesce(' "' || step.name || '"', '') || ': '
         || CASE hole.holes WHEN 1 THEN 'no ' ELSE hole.holes || ' holes, ' || hole.missing || ' ' END || unit.name
         || CASE hole.holes WHEN 1 THEN '' ELSE ' in all, the first' END
         || ' from ' || hole.hole_from || ' to ' || hole.hole_to AS evidence
  FROM hole
  JOIN build ON build.build_key = hole.build_key AND build.lifecycle IS DISTINCT FROM 'held'
  LEFT JOIN step ON step.build_key = hole.build_key AND step.step_key = hole.step_key
 CROSS JOIN (SELECT coalesce(nullif(current_setting('halfbuilt.unit', true), ''), 'units') AS name) AS unit
 ORDER BY hole.build_key, step.started_at NULLS LAST, hole.step_key::text COLLATE "C";
