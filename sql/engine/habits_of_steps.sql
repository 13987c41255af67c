-- What:  what this CI leaves open in steps of builds that are over, by habit, as one text: an array of names of habits. open is a step
--        that started and has no stop, unclosed one whose output has no end on record; with the hash of a name, of the steps of that name.
-- For:   the rules step-unfinished and output-truncated, to which it comes as halfbuilt.step_habits; once per run, as habits.sql.
-- Why:   where more than half of all steps of one name (no name counts as one) are so, and three at least, or more than half of all
--        steps, and ten at least, a backup has not done it: the CI, or its profile, does not tell such ends. Only builds count that no
--        backup can have cut: not those which started by T and stopped later. Names are foreign, and any bytes: their hashes stand for
--        them. Of each name with odd steps only so many others are looked for as it has odd ones, so that a sound table is not read to its
--        end; where there are many such names, one pass over all steps is quicker.
WITH setting AS MATERIALIZED (
    SELECT coalesce(nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz
                      + nullif(current_setting('halfbuilt.clock_tolerance', true), '')::interval, now()) AS stopped_by
), past AS NOT MATERIALIZED (
    SELECT step.name, step.started_at, step.stopped_at, step.output_closed
      FROM step
      JOIN build ON build.build_key = step.build_key
     WHERE build.lifecycle = 'finished'
       AND (coalesce(build.started_at, build.queued_at) <= (SELECT setting.stopped_by FROM setting)
            AND build.stopped_at > (SELECT setting.stopped_by FROM setting)) IS NOT TRUE
), odd AS MATERIALIZED (
    SELECT past.name,
           count(*) FILTER (WHERE past.started_at IS NOT NULL AND past.stopped_at IS NULL) AS open,
           count(*) FILTER (WHERE past.output_closed IS FALSE) AS unclosed
      FROM past
     WHERE past.started_at IS NOT NULL AND past.stopped_at IS NULL OR past.output_closed IS FALSE
     GROUP BY past.name
), total AS MATERIALIZED (
    SELECT coalesce(sum(odd.open), 0)::bigint AS open, coalesce(sum(odd.unclosed), 0)::bigint AS unclosed,
           count(*) FILTER (WHERE odd.open >= 3 OR odd.unclosed >= 3) > 10 AS is_of_many_names
      FROM odd
), sound AS MATERIALIZED (
    SELECT odd.name,
           (SELECT count(*)
              FROM (SELECT FROM past
                     WHERE past.name IS NOT DISTINCT FROM odd.name AND past.started_at IS NOT NULL AND past.stopped_at IS NOT NULL
                     LIMIT odd.open) AS others) AS ended,
           (SELECT count(*)
              FROM (SELECT FROM past WHERE past.name IS NOT DISTINCT FROM odd.name AND past.output_closed LIMIT odd.unclosed) AS others) AS closed
      FROM odd
     WHERE (odd.open >= 3 OR odd.unclosed >= 3) AND NOT (SELECT total.is_of_many_names FROM total)
    UNION ALL
    SELECT past.name, count(*) FILTER (WHERE past.started_at IS NOT NULL AND past.stopped_at IS NOT NULL),
           count(*) FILTER (WHERE past.output_closed)
      FROM past
     WHERE (SELECT total.is_of_many_names FROM total)
     GROUP BY past.name
), habit AS (
    SELECT 'open:' || md5(coalesce('=' || odd.name, '')) AS name
      FROM odd
      JOIN sound ON sound.name IS NOT DISTINCT FROM odd.name
     WHERE odd.open >= 3 AND odd.open > sound.ended
    UNION ALL
    SELECT 'unclosed:' || md5(coalesce('=' || odd.name, ''))
      FROM odd
      JOIN sound ON sound.name IS NOT DISTINCT FROM odd.name
     WHERE odd.unclosed >= 3 AND odd.unclosed > sound.closed
    UNION ALL
    SELECT 'open'
      FROM total
     WHERE total.open >= 10
       AND total.open > (SELECT count(*)
                           FROM (SELECT FROM past WHERE past.started_at IS NOT NULL AND past.stopped_at IS NOT NULL LIMIT total.open) AS others)
    UNION ALL
    SELECT 'unclosed'
      FROM total
     WHERE total.unclosed >= 10
       AND total.unclosed > (SELECT count(*) FROM (SELECT FROM past WHERE past.output_closed LIMIT total.unclosed) AS others)
)
SELECT coalesce(array_agg(habit.name)::text, '{}') FROM habit;
