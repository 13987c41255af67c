-- rule: output-truncated
-- title: the stored output ends before its recorded size, or was cut by the backup
-- needs: build, step, chunk
-- prefilter: whole
-- deletable: row by row
-- finds: where output ends
--
-- What:  steps whose output is not whole at its end. The evidence shows the first of three signs that applies:
--          1. something is stored, and it ends before the size that the CI recorded;
--          2. the CI never recorded an end of the output, though the step or its build is over (and anything shows that the step
--             began: a time, a size, or output);
--          3. the step had started by the backup time (or by now, where none is given) and never stopped: after a consistent
--             snapshot such output agrees with itself, and ends where the backup cut it.
-- For:   scan, verify and delete.
-- Why:   a backup that is taken while builds run loses the latter half of their output. Where most such steps of one name, or most
--        builds of one status word or project, have no end on record, this CI writes them that way: such a build is reported, and not
--        deleted.
-- Not:   the CI's own size cap. Output that was expired on purpose (has_output is false and no end is missing). Output of which
--        nothing is stored is output-missing. A held build.
WITH habit AS MATERIALIZED (
    SELECT unnest(nullif(current_setting('halfbuilt.step_habits', true), '')::text[]) AS name
), stored AS (
    -- A piece of unknown place, or that ends before it begins, holds nothing.
    SELECT chunk.build_key, chunk.step_key, greatest(max(chunk.next) FILTER (WHERE chunk.first <= chunk.next), 0) AS ends_at
      FROM chunk
     GROUP BY chunk.build_key, chunk.step_key
), judged AS (
    SELECT step.build_key, step.step_key, step.name, step.started_at, step.output_size,
           build.lifecycle IN ('finished', 'not_run') AS is_over, build.status, build.project,
           coalesce(stored.ends_at, 0) AS ends_at,
           step.has_output AND stored.ends_at < step.output_size AS ends_early,
           step.output_closed IS FALSE AND (step.stopped_at IS NOT NULL OR build.stopped_at IS NOT NULL
                                            OR build.lifecycle = 'finished')
             AND (step.started_at IS NOT NULL OR step.stopped_at IS NOT NULL OR step.has_output IS TRUE OR step.output_size > 0
                  OR stored.build_key IS NOT NULL) AS never_closed,
           (step.has_output OR step.output_closed IS FALSE) AND step.stopped_at IS NULL
             AND step.started_at <= (SELECT coalesce(nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz
                                        + coalesce(nullif(current_setting('halfbuilt.clock_tolerance', true), ''), '0')::interval, now()))
             AS cut
      FROM step
      JOIN build ON build.build_key = step.build_key AND build.lifecycle IS DISTINCT FROM 'held'
      LEFT JOIN stored ON stored.build_key = step.build_key AND stored.step_key = step.step_key
)
SELECT judged.build_key,
       'step ' || coalesce(judged.step_key::text, '(no key)') || coalesce(' "' || judged.name || '"', '') || ': '
         || CASE WHEN judged.ends_early THEN judged.ends_at || ' of ' || judged.output_size || ' ' || unit.name || ' stored'
                 WHEN judged.never_closed THEN 'over, but its output never ended; ' || judged.ends_at || ' ' || unit.name || ' stored'
                 ELSE 'never stopped, its output ends at ' || judged.ends_at || ' ' || unit.name
            END AS evidence,
       CASE WHEN judged.ends_early OR judged.never_closed AND NOT habitual.unclosed OR judged.cut AND NOT (habitual.open AND judged.is_over)
            THEN NULL
            ELSE 'that no end is on record: a habit of this CI?' END AS obstacle
  FROM judged
 CROSS JOIN (SELECT coalesce(nullif(current_setting('halfbuilt.unit', true), ''), 'units') AS name) AS unit
 CROSS JOIN LATERAL (SELECT md5(coalesce('=' || judged.name, '')) AS name, md5(coalesce('=' || judged.status, '')) AS status,
                            md5(coalesce('=' || judged.project, '')) AS project) AS hash
 CROSS JOIN LATERAL (SELECT 'open' IN (SELECT habit.name FROM habit) OR 'open:' || hash.name IN (SELECT habit.name FROM habit)
                              OR 'open-status:' || hash.status IN (SELECT habit.name FROM habit)
                              OR 'open-project:' || hash.project IN (SELECT habit.name FROM habit) AS open,
                            'unclosed' IN (SELECT habit.name FROM habit) OR 'unclosed:' || hash.name IN (SELECT habit.name FROM habit)
                              OR 'unclosed-status:' || hash.status IN (SELECT habit.name FROM habit)
                              OR 'unclosed-project:' || hash.project IN (SELECT habit.name FROM habit) AS unclosed) AS habitual
 WHERE judged.ends_early OR judged.never_closed OR judged.cut
 ORDER BY judged.build_key, judged.started_at NULLS LAST, judged.step_key::text COLLATE "C";
