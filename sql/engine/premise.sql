-- What all builds say about T and R, and about the habits of their CI.
-- A part begins with its name. The program runs it alone, or as a piece of a longer statement (`halfbuilt rules --composed` prints these).
-- `:name` stands for a piece of SQL that the program fills in, as psql does: psql -v name=...
-- `$1` and the like are parameters; psql has \bind for them.

-- part: clock
-- What:  the database's own clock.
-- For:   scan, verify and delete, before they use T and R; and ages, where T is not given.
-- Why:   an age goes by the clock of the machine that wrote the times, as far as possible. Either clock may be wrong: T is compared with both,
--        and at_this_moment shows how far they are apart.
SELECT now() AS now, clock_timestamp() AS at_this_moment;

-- part: recovery
-- What:  whether this is a standby, and when the server last recovered from a crash: its own record of R.
-- For:   scan, verify and delete, where R is not given.
-- Why:   crash recovery resets the statistics, as does a start from a snapshot; a clean restart keeps them. Whoever resets one kind by hand
--        leaves the other: the two have to agree. A later crash moves both, which shows by builds in between. Any role may ask. Tried on
--        PostgreSQL 13 to 18. From 15 on, a copy of a server that was stopped brings its statistics along, even where an archive is replayed
--        on top of it: then the record is that of an earlier recovery, before T.
SELECT pg_catalog.pg_is_in_recovery() AS is_standby,
       CASE WHEN bgwriter.stats_reset - archiver.stats_reset BETWEEN interval '-10 seconds' AND interval '10 seconds'
            THEN greatest(bgwriter.stats_reset, archiver.stats_reset)
       END AS recovered_at
  FROM pg_catalog.pg_stat_bgwriter AS bgwriter
 CROSS JOIN pg_catalog.pg_stat_archiver AS archiver;

-- part: at_work
-- What:  the keys of the builds that may have been at work after T, :most of them at most.
-- For:   the part `premise`, which then reads the output of these builds only.
-- Why:   a build that had stopped an hour before T stored nothing after it, and to read the time of every piece would take longer than the scan
--        itself. So output that came more than an hour after its build had stopped goes unseen.
SELECT build.build_key::text
  FROM build
 WHERE (build.stopped_at IS NULL
        OR build.stopped_at > nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz - interval '1 hour')
 LIMIT :most;

-- part: premise
-- What:  whether T and R can be true, by all builds: how many did something between them, when first and when last; from when on a stop is the
--        restored server's own; when a build that was queued after R first started; the database's clock; and when any build first
--        started after R.
--        $1 holds four times in microseconds since 1970: T + tolerance, R - tolerance, the beginning of the last 15 minutes before R (or
--        T + tolerance), and R. As numbers they are constants to the planner, which can then read steps and output in parallel.
--        :among limits output to the builds that may have been at work after T. In psql: -v among=true
-- For:   scan, verify and delete, before they sort builds by time.
-- Why:   nothing that happened after T can be in a database that was restored from T, and nothing happened before R on a server that was not
--        there: a build that did something in between shows that T, R or a clock is wrong. Clocks may differ by the tolerance.
--        A server that starts may close what it finds running before it says that it is up. So stops in the last 15 minutes before R, where
--        nothing else happened, contradict nothing. They might as well be the last stops of a server that was still at work, if the backup
--        was taken later than T: so such a stop alone makes no build deletable.
--        What belongs to no build counts too: somebody wrote it.
WITH sign AS MATERIALIZED (
    SELECT build.build_key, build.queued_at AS at
      FROM build
     WHERE build.queued_at > to_timestamp(($1::bigint[])[1] / 1e6) AND build.queued_at < to_timestamp(($1::bigint[])[2] / 1e6)
    UNION ALL
    SELECT build.build_key, build.started_at
      FROM build
     WHERE build.started_at > to_timestamp(($1::bigint[])[1] / 1e6) AND build.started_at < to_timestamp(($1::bigint[])[2] / 1e6)
    UNION ALL
    SELECT step.build_key, step.started_at
      FROM step
     WHERE step.started_at > to_timestamp(($1::bigint[])[1] / 1e6) AND step.started_at < to_timestamp(($1::bigint[])[2] / 1e6)
    UNION ALL
    SELECT chunk.build_key, chunk.stored_at
      FROM chunk
     WHERE chunk.stored_at > to_timestamp(($1::bigint[])[1] / 1e6) AND chunk.stored_at < to_timestamp(($1::bigint[])[2] / 1e6)
       AND :among
), start_up AS (
    SELECT NOT EXISTS (SELECT FROM sign WHERE sign.at > to_timestamp(($1::bigint[])[3] / 1e6)) AS is_quiet, count(*) AS stops
      FROM build
     WHERE build.stopped_at > to_timestamp(($1::bigint[])[3] / 1e6) AND build.stopped_at < to_timestamp(($1::bigint[])[2] / 1e6)
), contradiction AS (
    SELECT sign.build_key, sign.at FROM sign
    UNION ALL
    SELECT build.build_key, build.stopped_at
      FROM build
     CROSS JOIN start_up
     WHERE build.stopped_at > to_timestamp(($1::bigint[])[1] / 1e6) AND build.stopped_at < to_timestamp(($1::bigint[])[2] / 1e6)
       AND (NOT start_up.is_quiet OR build.stopped_at <= to_timestamp(($1::bigint[])[3] / 1e6))
), life AS (
    -- The CI is back at work when the first build starts, however long its database has been, and whatever was queued; its queue when
    -- the first of those starts that were queued since.
    SELECT min(build.started_at) AS first_start,
           min(build.started_at) FILTER (WHERE build.queued_at > to_timestamp(($1::bigint[])[4] / 1e6)) AS first_served
      FROM build
     WHERE build.started_at > to_timestamp(($1::bigint[])[4] / 1e6)
), counted AS (
    SELECT count(DISTINCT contradiction.build_key) + (count(*) > count(contradiction.build_key))::int AS builds, min(contradiction.at) AS first, max(contradiction.at) AS last
      FROM contradiction
)
SELECT counted.builds, counted.first, counted.last,
       CASE WHEN start_up.is_quiet THEN to_timestamp(($1::bigint[])[3] / 1e6) ELSE to_timestamp(($1::bigint[])[4] / 1e6) END AS closing_from,
       life.first_served, now() AS now, life.first_start, CASE WHEN start_up.is_quiet THEN start_up.stops ELSE 0 END AS start_up_stops
  FROM counted
 CROSS JOIN start_up
 CROSS JOIN life;

-- part: sides
-- What:  whether there are builds on both sides of a time, the first item of $1.
-- For:   a recovery of the server before T, and the suggestion of T: a restore has builds on both sides.
-- Why:   a T that lies after the restore would take living builds for builds that the backup cut.
SELECT coalesce(bool_or(least(build.queued_at, build.started_at) < ($1::text[])[1]::timestamptz), false)
   AND coalesce(bool_or(greatest(build.queued_at, build.started_at) > ($1::text[])[1]::timestamptz), false) AS has_both
  FROM build;

-- part: habits
-- What:  the states that no sound build can be in, and that this CI writes all the same, as one text: an array of names of cells. Also whether
--        any build is held, and whether steps' starts or output's times show at all that builds are at work.
--        Whether any step is on record at all is asked here too.
-- For:   the rule impossible-state, which gets it as halfbuilt.habits, and the judgement of builds that wait; the rules that look for output
--        without its step, which get has_steps as halfbuilt.has_steps; once per run, since each deletion changes the sums.
-- Why:   where more than half of all builds of one status word (no word counts as one) are in one such state, and at least three, or more than half
--        of one lifecycle, and at least ten, that is a habit of the CI and no damage. Status words come from outside, and may be any bytes:
--        hashes stand for them.
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

-- part: step_habits
-- What:  what this CI by habit leaves open in steps of builds that are over, as one text: an array of names of habits. `open` is a step that
--        started and has no stop; `unclosed` is one whose output has no end on record. The bare word means all steps; with a hash it means
--        the steps of one name, the builds of one status word, or the builds of one project.
-- For:   the rules step-unfinished and output-truncated, which get it as halfbuilt.step_habits; once per run, as the part `habits`.
-- Why:   where more than half of all steps of one name (no name counts as one) are so, and at least three, or more than half of all steps, and at
--        least ten, no backup did it: the CI, or its profile, does not record such ends. The same holds where more than half of the finished
--        builds of one status word or project have such a step whose name is no habit by itself. But a word that housekeeping gives to what
--        it closed must not pass for a habit, so at least three must be older than what the backup can have cut.
--        Only builds count that no backup can have cut: not those that started by T and stopped later. Names come from outside, and may be any
--        bytes: hashes stand for them, and two spellings are two names, whatever the collation. For each name with odd steps only as many others
--        are looked for as it has odd ones, so that a sound table is not read to its end; where there are many such names, one pass over all
--        steps is faster.
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
SELECT coalesce(array_agg(habit.name)::text, '{}') AS step_habits FROM habit;
