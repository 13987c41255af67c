-- rule: output-excess
-- title: more output is stored than was recorded, or in places that cannot be
-- needs: build, step, chunk
-- prefilter: whole
-- deletable: row by row
--
-- What:  steps with stored pieces that no sound server leaves. The evidence names each sign that applies:
--          1. the place of a piece is not known: it has no begin, or no end;
--          2. a piece ends before it begins;
--          3. a piece begins before 0;
--          4. the output goes on behind the size that the CI recorded, and the step or its build is over;
--          5. pieces that were stored more than 10 minutes before the build was queued lie where others do that came later, and the step or
--             its build is over: two runs in one log.
-- For:   scan, verify and delete.
-- Why:   steps and pieces came back from two moments, a build was run again in its own row, or a number is damaged. What a reader sees is
--        another log. Where only the fifth sign applies, and nothing shows that the pieces of the later run are not whole by themselves, the
--        build is reported, and not deleted.
-- Not:   a piece that is stored twice, that overlaps another, or that is empty within the output. Output that was expired on purpose
--        (has_output is false), whatever its size. An open step of a build that is not over: its size may be recorded later than its
--        output. Output of a step that is not there, which is orphan-output, but for its first three signs. A held build.
WITH stored AS (
    SELECT chunk.build_key, chunk.step_key,
           count(*) FILTER (WHERE chunk.first IS NULL OR chunk.next IS NULL) AS unplaced,
           count(*) FILTER (WHERE chunk.next < chunk.first) AS backwards,
           count(*) FILTER (WHERE chunk.first < 0 AND chunk.first <= chunk.next) AS early,
           max(chunk.next) FILTER (WHERE chunk.first <= chunk.next) AS ends_at,
           min(chunk.stored_at) AS first_stored_at, max(chunk.stored_at) AS last_stored_at
      FROM chunk
     GROUP BY chunk.build_key, chunk.step_key
), judged AS MATERIALIZED (
    -- Few: a sign applies, or may apply.
    SELECT stored.*, step.name, step.started_at, step.output_size, run.since, size.may_tell AND stored.ends_at > step.output_size AS goes_on,
           is_over.it AND stored.first_stored_at < run.since AND stored.last_stored_at >= run.since AS may_be_of_two
      FROM stored
      JOIN build ON build.build_key = stored.build_key AND build.lifecycle IS DISTINCT FROM 'held'
      LEFT JOIN step ON step.build_key = stored.build_key AND step.step_key = stored.step_key
     CROSS JOIN LATERAL (SELECT coalesce(build.queued_at, build.started_at) - interval '10 minutes' AS since) AS run
     CROSS JOIN LATERAL (SELECT step.stopped_at IS NOT NULL OR build.stopped_at IS NOT NULL
                                  OR (build.lifecycle IN ('finished', 'not_run')) IS TRUE AS it) AS is_over
     CROSS JOIN LATERAL (SELECT is_over.it AND step.has_output IS DISTINCT FROM false AS may_tell) AS size
     WHERE stored.unplaced > 0 OR stored.backwards > 0 OR stored.early > 0 OR size.may_tell AND stored.ends_at > step.output_size
        OR is_over.it AND stored.first_stored_at < run.since AND stored.last_stored_at >= run.since
), piece AS (
    -- In the order of their places, and how far those of each run before it have come. Of a piece without a time of storing nobody knows
    -- the run.
    SELECT rerun.build_key, rerun.step_key, chunk.first, chunk.next, run.is_earlier, run.is_later,
           max(chunk.next) FILTER (WHERE run.is_earlier) OVER before AS earlier_up_to,
           max(chunk.next) FILTER (WHERE run.is_later) OVER before AS later_up_to,
           max(chunk.next) FILTER (WHERE NOT run.is_earlier) OVER before AS own_up_to
      FROM (SELECT DISTINCT judged.build_key, judged.step_key, judged.since FROM judged WHERE judged.may_be_of_two) AS rerun
      JOIN chunk ON chunk.build_key = rerun.build_key AND chunk.step_key = rerun.step_key AND chunk.first < chunk.next
     CROSS JOIN LATERAL (SELECT (chunk.stored_at < rerun.since) IS TRUE AS is_earlier, (chunk.stored_at >= rerun.since) IS TRUE AS is_later) AS run
    WINDOW before AS (PARTITION BY rerun.build_key, rerun.step_key ORDER BY chunk.first, chunk.next
                      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), of_two_runs AS (
    SELECT piece.build_key, piece.step_key, count(*) FILTER (WHERE piece.is_earlier) AS earlier,
           bool_or(NOT piece.is_earlier AND piece.first > greatest(piece.own_up_to, 0)) AS has_hole,
           max(piece.next) FILTER (WHERE NOT piece.is_earlier) AS ends_at
      FROM piece
     GROUP BY piece.build_key, piece.step_key
    HAVING bool_or(piece.is_earlier AND piece.first < piece.later_up_to OR piece.is_later AND piece.first < piece.earlier_up_to)
)
SELECT judged.build_key,
       'step ' || coalesce(judged.step_key::text, '(no key)') || coalesce(' "' || judged.name || '"', '') || ': '
         || concat_ws(', ',
              CASE judged.unplaced WHEN 0 THEN NULL WHEN 1 THEN '1 piece whose place is not known'
                                   ELSE judged.unplaced || ' pieces whose places are not known' END,
              CASE judged.backwards WHEN 0 THEN NULL WHEN 1 THEN '1 piece that ends before it begins'
                                    ELSE judged.backwards || ' pieces that end before they begin' END,
              CASE judged.early WHEN 0 THEN NULL WHEN 1 THEN '1 piece that begins before 0'
                                ELSE judged.early || ' pieces that begin before 0' END,
              CASE WHEN judged.goes_on THEN 'stored up to ' || judged.ends_at || ', but ' || judged.output_size || ' ' || unit.name || ' were recorded' END,
              CASE of_two_runs.earlier WHEN 1 THEN '1 piece is older than the build, and later ones lie in its place'
                   ELSE of_two_runs.earlier || ' pieces are older than the build, and later ones lie in their places' END) AS evidence,
       CASE WHEN judged.unplaced = 0 AND judged.backwards = 0 AND judged.early = 0 AND judged.goes_on IS NOT TRUE
              AND (of_two_runs.has_hole OR of_two_runs.ends_at < judged.output_size) IS NOT TRUE
            THEN 'pieces of an earlier run are stored too: nothing shows that its own are not whole' END AS obstacle
  FROM judged
  LEFT JOIN of_two_runs ON of_two_runs.build_key = judged.build_key AND of_two_runs.step_key = judged.step_key AND judged.may_be_of_two
 CROSS JOIN (SELECT coalesce(nullif(current_setting('halfbuilt.unit', true), ''), 'units') AS name) AS unit
 WHERE judged.unplaced > 0 OR judged.backwards > 0 OR judged.early > 0 OR judged.goes_on OR of_two_runs.build_key IS NOT NULL
 ORDER BY judged.build_key, judged.started_at NULLS LAST, judged.step_key::text COLLATE "C";
