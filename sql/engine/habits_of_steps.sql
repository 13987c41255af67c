-- What:  what this CI leaves open in steps of builds that are over, by habit, as one text: an array of names of habits. open is a step
--        that started and has no stop, unclosed one whose output has no end on record; with the hash of a name, of the steps of that name.
-- For:   the rules step-unfinished and output-truncated, to which it comes as halfbuilt.step_habits; once per run, as habits.sql.
-- Why:   where more than half of all steps of one name (no name counts as one) are so, and three at least, or more than half of all
--        steps, and ten at least, a backup has not done it: the CI, or its profile, does not tell such ends. Only builds count that no
--        backup can have cut: not those which started by T and stopped later. Names are foreign, and any bytes: their hashes stand for them.
WITH setting AS MATERIALIZED (
    SELECT coalesce(nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz
                      + nullif(current_setting('halfbuilt.clock_tolerance', true), '')::interval, now()) AS stopped_by
), counted AS (
    SELECT step.name,
           count(step.started_at) AS started, count(*) FILTER (WHERE step.started_at IS NOT NULL AND step.stopped_at IS NULL) AS open,
           count(step.output_closed) AS told, count(*) FILTER (WHERE step.output_closed IS FALSE) AS unclosed
      FROM step
      JOIN build ON build.build_key = step.build_key
     WHERE build.lifecycle = 'finished'
       AND (coalesce(build.started_at, build.queued_at) <= (SELECT setting.stopped_by FROM setting)
            AND build.stopped_at > (SELECT setting.stopped_by FROM setting)) IS NOT TRUE
     GROUP BY step.name
), summed AS (
    SELECT sum(counted.started) AS started, sum(counted.open) AS open, sum(counted.told) AS told, sum(counted.unclosed) AS unclosed
      FROM counted
), habit AS (
    SELECT 'open:' || md5(coalesce('=' || counted.name, '')) AS name FROM counted WHERE counted.open >= 3 AND counted.open * 2 > counted.started
    UNION ALL
    SELECT 'unclosed:' || md5(coalesce('=' || counted.name, '')) FROM counted WHERE counted.unclosed >= 3 AND counted.unclosed * 2 > counted.told
    UNION ALL
    SELECT 'open' FROM summed WHERE summed.open >= 10 AND summed.open * 2 > summed.started
    UNION ALL
    SELECT 'unclosed' FROM summed WHERE summed.unclosed >= 10 AND summed.unclosed * 2 > summed.told
)
SELECT coalesce(array_agg(habit.name)::text, '{}') FROM habit;
