-- What is counted before any rule runs: builds, names, keys, states and steps.
-- A part begins with its name. The program runs it alone, or as a piece of a longer statement (`halfbuilt rules --composed` prints these).
-- `:name` stands for a piece of SQL that the program fills in, as psql does: psql -v name=...

-- part: projects
-- What:  how many builds each project has, and how many of them were queued, started or stopped by T: NULL where T is not given, or no
--        build of the project has a time.
-- For:   --project, the count of what was looked at, and the check that T is not before everything.
-- Why:   where nothing was looked at, nothing is clean; and the backup cannot have cut a build that came after T.
SELECT build.project, count(*) AS builds,
       sum((least(build.queued_at, build.started_at, build.stopped_at)
            <= nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz)::int) AS asked_for
  FROM build
 GROUP BY build.project;

-- part: names
-- What:  how many builds, names (number within what the CI numbers together) and addresses there are, and how many of these differ in more than
--        the case of their letters.
-- For:   the rule duplicate-number, which finds nothing where all names differ; and the builds that another one resembles but for letters.
-- Why:   hashes sort faster than texts. Two texts with one hash only cost a closer look. A server may take two names for one that differ only
--        in letters. It reads the table, never an index (see the part `indexes` of session.sql).
SELECT count(*) AS builds,
       count(*) FILTER (WHERE build.numbered_in IS NOT NULL AND build.build_num IS NOT NULL) AS names,
       count(DISTINCT hashtextextended(lower(build.numbered_in COLLATE "C"), build.build_num::bigint)) AS different_names,
       count(build.build_url) AS addresses,
       count(DISTINCT hashtextextended(lower(build.build_url COLLATE "C"), 0)) AS different_addresses
  FROM build;

-- part: keys
-- What:  how many rows the relation build has, how many of them have a key, and how many different keys there are.
-- For:   the rule duplicate-key; and a profile that gives a build more than once, by a join that finds several rows for it.
-- Why:   keys alone connect steps and output with their build: a key that stands for two builds would mix them up. It reads the table, never
--        an index.
SELECT count(*) AS builds, count(build.build_key) AS with_key, count(DISTINCT build.build_key) AS keys FROM build;

-- part: doubled_keys
-- What:  how many keys of builds stand for several rows, and of how many of these keys the table itself holds several rows. :rows_of_table gives
--        the key of each of its rows.
-- For:   telling a table that holds a row twice from a profile whose join doubles rows; only where a key stands for several rows.
-- Why:   the first is damage, and a finding; the second is a fault of the profile. In psql: -v rows_of_table='SELECT build_id::text FROM builds'
WITH doubled AS MATERIALIZED (
    SELECT build.build_key::text AS key FROM build WHERE build.build_key IS NOT NULL GROUP BY build.build_key HAVING count(*) > 1
), in_table AS (
    SELECT doubled.key
      FROM (:rows_of_table) AS held (key)
      JOIN doubled ON doubled.key = held.key
     GROUP BY doubled.key
    HAVING count(*) > 1
)
SELECT (SELECT count(*) FROM doubled) AS doubled, (SELECT count(*) FROM in_table) AS in_table;

-- part: rows_of_table
-- What:  the key of each row of a table: :column of :table, as the profile casts it (:casts), as text.
-- For:   the part `doubled_keys`.
-- Why:   the plan of the server says from which column of which table a key comes.
SELECT held.:column:casts::text FROM :table AS held

-- part: no_rows_of_table
-- What:  stands in for the rows of the table where nobody knows from which table a key comes.
-- For:   the part `doubled_keys`.
-- Why:   a key may be put together from several columns.
SELECT NULL::text WHERE false

-- part: step_keys
-- What:  how many steps there are, and how many different keys they have together with those of their builds, as the number :key.
-- For:   the rule duplicate-key, which finds nothing where all keys differ.
-- Why:   numbers sort faster than anything else, and faster still where they stand nearly in order. Two keys with one number, and keys without
--        a number, only cost a closer look. It is apart from the part `coverage`, which the server adds up in parallel, and reads the table,
--        never an index.
SELECT count(*) AS steps, count(DISTINCT :key) AS keys FROM step;

-- part: states
-- What:  how many builds say too little to be judged, have times that are not on record, or have times that are out of order by no more than
--        clocks may differ; and how many there are of each lifecycle.
-- For:   the list of what was not checked, and the remarks.
-- Why:   what cannot be known must be said. It is apart from the part `names`: without distinct counts, the server adds up in parallel.
SELECT count(*) FILTER (WHERE build.lifecycle IS NULL
                           OR build.lifecycle NOT IN ('queued', 'not_run', 'not_running', 'running', 'finished', 'held')) AS other_lifecycles,
       count(*) FILTER (WHERE build.stopped_at IS NULL
                          AND (build.lifecycle = 'running' AND build.started_at IS NULL AND build.queued_at IS NULL
                               OR build.lifecycle IN ('queued', 'not_running') AND build.started_at IS NULL
                                  AND build.queued_at IS NULL)) AS without_time,
       count(*) FILTER (WHERE build.queued_at  IS NULL AND build.raw_queued_at  IS NOT NULL
                           OR build.started_at IS NULL AND build.raw_started_at IS NOT NULL
                           OR build.stopped_at IS NULL AND build.raw_stopped_at IS NOT NULL) AS off_record,
       -- Out of order by minutes at most: clocks. More is impossible-times.
       count(*) FILTER (WHERE early.start) AS early_starts,
       extract(epoch FROM max(build.queued_at - build.started_at) FILTER (WHERE early.start))::bigint AS earliest_start,
       min(build.project) FILTER (WHERE early.start) AS first_early,
       max(build.project) FILTER (WHERE early.start) AS last_early,
       count(*) FILTER (WHERE early.stop) AS early_stops,
       extract(epoch FROM max(build.started_at - build.stopped_at) FILTER (WHERE early.stop))::bigint AS earliest_stop,
       count(*) FILTER (WHERE build.lifecycle = 'finished' AND build.queued_at IS NULL AND build.started_at IS NULL
                          AND build.stopped_at IS NULL) AS over_without_time,
       count(*) AS builds,
       count(build.queued_at) AS queueings,
       count(build.started_at) AS starts,
       -- In the order of the lifecycles in the program.
       count(*) FILTER (WHERE build.lifecycle = 'queued') AS queued_builds,
       count(*) FILTER (WHERE build.lifecycle = 'held') AS held_builds,
       count(*) FILTER (WHERE build.lifecycle = 'not_run') AS not_run_builds,
       count(*) FILTER (WHERE build.lifecycle = 'not_running') AS not_running_builds,
       count(*) FILTER (WHERE build.lifecycle = 'running') AS running_builds,
       count(*) FILTER (WHERE build.lifecycle = 'finished') AS finished_builds,
       -- Closed after the restore, or nobody knows when, and nothing of a start: mostly, but not for certain, what was cancelled while it
       -- waited. Without T nothing is asked.
       count(*) FILTER (WHERE build.lifecycle = 'finished' AND build.started_at IS NULL
                          AND (build.queued_at <= nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz
                                 + coalesce(nullif(current_setting('halfbuilt.clock_tolerance', true), ''), '0')::interval) IS NOT FALSE
                          AND (build.stopped_at > nullif(current_setting('halfbuilt.closing_from', true), '')::timestamptz
                               OR build.stopped_at IS NULL AND build.queued_at IS NOT NULL)
                          AND nullif(current_setting('halfbuilt.backup_time', true), '') IS NOT NULL) AS closed_unstarted
  FROM build
 CROSS JOIN LATERAL (SELECT build.started_at <= build.queued_at - interval '1 second'
                              AND build.started_at >= build.queued_at - interval '10 minutes' AS start,
                            build.stopped_at <= build.started_at - interval '1 second'
                              AND build.stopped_at >= build.started_at - interval '10 minutes' AS stop) AS early;

-- part: coverage
-- What:  how many steps there are, how many of them belong to a build in scope, and how many of these have nothing that would show that
--        their output was cut.
-- For:   the list of what was not checked, and the rules for orphans, which find nothing where every step has its build.
-- Why:   a step that is over, has output (or does not say whether it has), and has neither a size nor an end on record, may be cut without a
--        trace. To call it clean would be a guess.
SELECT count(*) AS every_step,
       count(build.build_key) AS steps,
       count(*) FILTER (WHERE build.build_key IS NOT NULL AND step.output_size IS NULL AND step.output_closed IS NULL
                          AND (step.has_output IS NULL
                               OR step.has_output AND (step.stopped_at IS NOT NULL OR step.started_at IS NULL))
                           OR build.build_key IS NOT NULL AND step.output_size IS NULL AND step.output_closed IS FALSE
                          AND step.has_output IS NULL AND step.started_at IS NULL AND step.stopped_at IS NULL) AS steps_without_end,
       count(*) FILTER (WHERE build.build_key IS NOT NULL
                          AND (step.started_at IS NULL AND step.raw_started_at IS NOT NULL
                               OR step.stopped_at IS NULL AND step.raw_stopped_at IS NOT NULL)) AS off_record
  FROM step
  LEFT JOIN build ON build.build_key = step.build_key;

-- part: suggestion
-- What:  the two longest quiet times in the database: the last write before each, the first write after it, and how many builds had started
--        and not stopped at that last write. A further row, without a first write after it, is the time since the very last write, where
--        that is longer.
-- For:   scan without --backup-time, which shows what the database itself suggests.
-- Why:   between a backup and its restore a server writes nothing, so the backup was most likely taken soon after the last write before the
--        longest gap; or after the very last write, if the restored server has not started yet. It is a guess: a quiet holiday looks the
--        same, and so does a restored server that nobody uses. That is why there is a second one. Times are grouped by ten minutes first,
--        so that nothing has to be sorted; no shorter gap is of any interest.
WITH span AS (
    SELECT min(seen.at) AS first, max(seen.at) AS last, count(*) AS moments
      FROM build
     CROSS JOIN LATERAL (VALUES (build.queued_at), (build.started_at), (build.stopped_at)) AS seen (at)
     WHERE seen.at <= now()
     GROUP BY floor(extract(epoch FROM seen.at) / 600)
), gap AS (
    SELECT span.last AS begins, lead(span.first) OVER so_far AS ends,
           sum(span.moments) OVER so_far / sum(span.moments) OVER () AS share_before
      FROM span
    WINDOW so_far AS (ORDER BY span.first)
), quiet AS (
    -- Not a gap behind a few records with a time that is far too early: most of a history lies before its backup.
    (SELECT gap.begins, gap.ends FROM gap WHERE gap.ends IS NOT NULL AND gap.share_before >= 0.1
      ORDER BY gap.ends - gap.begins DESC, gap.begins DESC LIMIT 2)
    UNION ALL
    (SELECT gap.begins, gap.ends FROM gap WHERE gap.ends IS NULL ORDER BY gap.begins DESC LIMIT 1)
), written AS (
    -- A step may have been written after the last build was.
    SELECT greatest(quiet.begins, max(seen.at)) AS last_write, quiet.ends AS next_write
      FROM quiet
      LEFT JOIN (step CROSS JOIN LATERAL (VALUES (step.started_at), (step.stopped_at)) AS seen (at))
        ON seen.at > quiet.begins AND seen.at < coalesce(quiet.ends, now())
     GROUP BY quiet.begins, quiet.ends
), ranked AS (
    SELECT written.last_write, written.next_write,
           max(written.next_write - written.last_write) OVER () AS longest
      FROM written
)
SELECT ranked.last_write, ranked.next_write,
       (SELECT count(*) FROM build
         WHERE build.started_at <= ranked.last_write
           AND (build.stopped_at IS NULL OR build.stopped_at > ranked.last_write)) AS running
  FROM ranked
 WHERE ranked.next_write IS NOT NULL OR now() - ranked.last_write > coalesce(ranked.longest, interval '0')
 ORDER BY ranked.next_write IS NULL, ranked.next_write - ranked.last_write DESC;
