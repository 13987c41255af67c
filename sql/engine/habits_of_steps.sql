-- What:  what this CI leaves open in steps of builds that are over, by habit, as one text: an array of names of habits. open is a step
--        that started and has no stop, unclosed one whose output has no end on record: by themselves of all steps; with a hash of the
--        steps of one name, of the builds of one status word, or of those of one project.
-- For:   the rules step-unfinished and output-truncated, to which it comes as halfbuilt.step_habits; once per run, as habits.sql.
-- Why:   where more than half of all steps of one name (no name counts as one) are so, and three at least, or more than half of all
--        steps, and ten at least, a backup has not done it: the CI, or its profile, does not tell such ends. So it is where more than half
--        of the finished builds of one status word or project hold such a step, whose name is no habit by itself; but a word that
--        housekeeping gives to what it closed must not pass for one, so three at least are older than what the backup can have cut.
--        Only builds count that no backup can have cut: not those which started by T and stopped later. Names are foreign, and any
--        bytes: their hashes stand for them, and two spellings are two names, whatever the collation. Of each name with odd steps only so
--        many others are looked for as it has odd ones, so that a sound table is not read to its end; where there are many such names, one
--        pass over all steps is quicker.
WITH setting AS MATERIALIZED (
    SELECT coalesce(nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz
                      + nullif(current_setting('halfbuilt.clock_tolerance', true), '')::interval, now()) AS stopped_by,
           coalesce(nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz, now())
             - coalesce(nullif(current_setting('halfbuilt.max_run_time', true), ''), '0')::interval AS over_by
), over AS NOT MATERIALIZED (
    SELECT build.build_key, coalesce('=' || build.status, '') COLLATE "C" AS status, coalesce('=' || build.project, '') COLLATE "C" AS project,
           build.lifecycle = 'finished' AS is_finished,
           coalesce(build.started_at, build.queued_at, build.stopped_at) < (SELECT setting.over_by FROM setting) AS is_old
      FROM build
     WHERE build.lifecycle IN ('finished', 'not_run')
       AND (coalesce(build.started_at, build.queued_at) <= (SELECT setting.stopped_by FROM setting)
            AND build.stopped_at > (SELECT setting.stopped_by FROM setting)) IS NOT TRUE
), past AS NOT MATERIALIZED (
    SELECT over.build_key, over.status, over.project, over.is_finished, over.is_old, coalesce('=' || step.name, '') COLLATE "C" AS name,
           step.started_at IS NOT NULL AND step.stopped_at IS NULL AS is_open, step.started_at IS NOT NULL AND step.stopped_at IS NOT NULL AS has_ended,
           step.output_closed IS FALSE AND began.it AS is_unclosed, step.output_closed IS TRUE AND began.it AS is_closed
      FROM step
      JOIN over ON over.build_key = step.build_key
     CROSS JOIN LATERAL (SELECT step.started_at IS NOT NULL OR step.stopped_at IS NOT NULL OR step.has_output IS TRUE
                                  OR (step.output_size > 0) IS TRUE AS it) AS began
), odd AS MATERIALIZED (
    SELECT past.name, count(*) FILTER (WHERE past.is_open) AS open, count(*) FILTER (WHERE past.is_unclosed) AS unclosed
      FROM past
     WHERE past.is_open OR past.is_unclosed
     GROUP BY past.name
), total AS MATERIALIZED (
    SELECT coalesce(sum(odd.open), 0)::bigint AS open, coalesce(sum(odd.unclosed), 0)::bigint AS unclosed,
           count(*) FILTER (WHERE odd.open >= 3 OR odd.unclosed >= 3) > 10 AS is_of_many_names
      FROM odd
), sound AS MATERIALIZED (
    SELECT odd.name,
           (SELECT count(*) FROM (SELECT FROM past WHERE past.name = odd.name AND past.has_ended LIMIT odd.open) AS others) AS ended,
           (SELECT count(*) FROM (SELECT FROM past WHERE past.name = odd.name AND past.is_closed LIMIT odd.unclosed) AS others) AS closed
      FROM odd
     WHERE (odd.open >= 3 OR odd.unclosed >= 3) AND NOT (SELECT total.is_of_many_names FROM total)
    UNION ALL
    SELECT past.name, count(*) FILTER (WHERE past.has_ended), count(*) FILTER (WHERE past.is_closed)
      FROM past
     WHERE (SELECT total.is_of_many_names FROM total)
     GROUP BY past.name
), habitual_name AS MATERIALIZED (
    SELECT odd.name, odd.open >= 3 AND odd.open > sound.ended AS is_open, odd.unclosed >= 3 AND odd.unclosed > sound.closed AS is_unclosed
      FROM odd
      JOIN sound ON sound.name = odd.name
), odd_build AS MATERIALIZED (
    -- What a name tells by itself says nothing of builds.
    SELECT past.status, past.project, past.is_old,
           bool_or(past.is_open AND habitual_name.is_open IS NOT TRUE) AS is_open,
           bool_or(past.is_unclosed AND habitual_name.is_unclosed IS NOT TRUE) AS is_unclosed
      FROM past
      LEFT JOIN habitual_name ON habitual_name.name = past.name
     WHERE past.is_finished AND (past.is_open OR past.is_unclosed) AND (SELECT total.open >= 3 OR total.unclosed >= 3 FROM total)
     GROUP BY past.build_key, past.status, past.project, past.is_old
), odd_group AS (
    SELECT 'status' AS kind, odd_build.status AS word,
           count(*) FILTER (WHERE odd_build.is_open) AS open, count(*) FILTER (WHERE odd_build.is_open AND odd_build.is_old) AS old_open,
           count(*) FILTER (WHERE odd_build.is_unclosed) AS unclosed, count(*) FILTER (WHERE odd_build.is_unclosed AND odd_build.is_old) AS old_unclosed
      FROM odd_build
     GROUP BY odd_build.status
    UNION ALL
    SELECT 'project', odd_build.project,
           count(*) FILTER (WHERE odd_build.is_open), count(*) FILTER (WHERE odd_build.is_open AND odd_build.is_old),
           count(*) FILTER (WHERE odd_build.is_unclosed), count(*) FILTER (WHERE odd_build.is_unclosed AND odd_build.is_old)
      FROM odd_build
     GROUP BY odd_build.project
), every_group AS (
    SELECT 'status' AS kind, over.status AS word, count(*) AS builds FROM over WHERE over.is_finished GROUP BY over.status
    UNION ALL
    SELECT 'project', over.project, count(*) FROM over WHERE over.is_finished GROUP BY over.project
), compared AS (
    SELECT odd_group.*, every_group.builds
      FROM odd_group
      JOIN every_group ON every_group.kind = odd_group.kind AND every_group.word = odd_group.word
), habit AS (
    SELECT 'open:' || md5(habitual_name.name) AS name FROM habitual_name WHERE habitual_name.is_open
    UNION ALL
    SELECT 'unclosed:' || md5(habitual_name.name) FROM habitual_name WHERE habitual_name.is_unclosed
    UNION ALL
    SELECT 'open-' || compared.kind || ':' || md5(compared.word) FROM compared WHERE compared.old_open >= 3 AND compared.open * 2 > compared.builds
    UNION ALL
    SELECT 'unclosed-' || compared.kind || ':' || md5(compared.word)
      FROM compared
     WHERE compared.old_unclosed >= 3 AND compared.unclosed * 2 > compared.builds
    UNION ALL
    SELECT 'open'
      FROM total
     WHERE total.open >= 10 AND total.open > (SELECT count(*) FROM (SELECT FROM past WHERE past.has_ended LIMIT total.open) AS others)
    UNION ALL
    SELECT 'unclosed'
      FROM total
     WHERE total.unclosed >= 10 AND total.unclosed > (SELECT count(*) FROM (SELECT FROM past WHERE past.is_closed LIMIT total.unclosed) AS others)
)
SELECT coalesce(array_agg(habit.name)::text, '{}') FROM habit;
