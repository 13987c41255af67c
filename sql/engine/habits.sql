-- What:  the states that no sound build can be in, and that this CI writes all the same, as one text: an array of names of cells. And
--        whether any build waits on purpose, and whether anything at all shows when builds are at work: steps' starts, or output's times.
-- For:   the rule impossible-state, to which it comes as halfbuilt.habits, and what is said of builds that wait; once per run, since
--        each deletion changes the sums.
-- Why:   where more than half of all builds of one status word (no word counts as one) are in one such state, and three at least, or more
--        than half of one lifecycle, and ten at least, that is a habit of the CI and no damage. Status words are foreign, and any bytes:
--        their hashes stand for them.
WITH setting AS MATERIALIZED (
    SELECT coalesce(nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz
                      + nullif(current_setting('halfbuilt.clock_tolerance', true), '')::interval, now()) AS stopped_by
), sorted AS (
    -- Two spellings are two words, whatever the collation.
    SELECT build.lifecycle, build.status COLLATE "C" AS status,
           CASE build.lifecycle WHEN 'finished' THEN build.started_at IS NOT NULL AND build.stopped_at IS NULL
                                WHEN 'running'  THEN coalesce(build.stopped_at <= (SELECT setting.stopped_by FROM setting), false)
                                ELSE build.lifecycle IN ('not_run', 'queued', 'not_running') AND build.started_at IS NOT NULL
           END AS is_odd
      FROM build
), counted AS (
    SELECT sorted.lifecycle, sorted.status, count(*) AS builds, count(*) FILTER (WHERE sorted.is_odd) AS odd
      FROM sorted
     GROUP BY sorted.lifecycle, sorted.status
), summed AS (
    SELECT counted.lifecycle, counted.status, counted.odd,
           sum(counted.builds) OVER (PARTITION BY counted.status) AS of_word,
           sum(counted.odd) OVER (PARTITION BY counted.lifecycle) AS odd_of_lifecycle,
           sum(counted.builds) OVER (PARTITION BY counted.lifecycle) AS of_lifecycle
      FROM counted
), habit AS (
    SELECT summed.lifecycle || ':' || md5(coalesce('=' || summed.status, '')) AS cell FROM summed WHERE summed.odd >= 3 AND summed.odd * 2 > summed.of_word
    UNION
    SELECT summed.lifecycle FROM summed WHERE summed.odd_of_lifecycle >= 10 AND summed.odd_of_lifecycle * 2 > summed.of_lifecycle
)
SELECT coalesce(array_agg(habit.cell)::text, '{}') AS habits, (SELECT coalesce(bool_or(counted.lifecycle = 'held'), false) FROM counted) AS holds,
       EXISTS (SELECT FROM step WHERE step.started_at IS NOT NULL) OR EXISTS (SELECT FROM chunk WHERE chunk.stored_at IS NOT NULL) AS shows_work,
       EXISTS (SELECT FROM step) AS has_steps
  FROM habit;
