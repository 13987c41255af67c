-- Relations that came back empty: as a whole, for one project, or for one stretch of time.
-- A part begins with its name. The program runs it alone, or as a piece of a longer statement (`halfbuilt rules --composed` prints these).
-- `:name` stands for a piece of SQL that the program fills in, as psql does: psql -v name=...

-- part: presence
-- What:  whether the relations have any row at all; and, where there is no step, whether three builds have output all the same.
-- For:   scan, verify and delete, before they believe that what is absent was never there.
-- Why:   a table that came back empty looks like one that holds no damage. The first row is enough, so this reads next to nothing.
SELECT EXISTS (SELECT FROM build) AS has_builds,
       EXISTS (SELECT FROM step) AS has_steps,
       EXISTS (SELECT FROM chunk) AS has_output,
       NOT EXISTS (SELECT FROM step)
         AND (SELECT count(*) FROM (SELECT FROM build WHERE EXISTS (SELECT FROM chunk WHERE chunk.build_key = build.build_key) LIMIT 3) AS few) = 3
         AS has_output_of_builds;

-- part: should_have_steps
-- What:  the condition that a build, which is over, must have had steps.
-- For:   the parts `lacking` and `losses`.
-- Why:   a build that ran for a minute did something. One that was cancelled at once may have no step.
build.stopped_at - build.started_at >= interval '1 minute'

-- part: should_have_output
-- What:  the condition that a build must have output: a step of it says so.
-- For:   the parts `lacking` and `losses`.
-- Why:   as the rule output-missing.
build.build_key IN (SELECT step.build_key FROM step WHERE step.has_output AND step.output_size IS DISTINCT FROM 0)

-- part: lacking
-- What:  how many builds that were over by T should have steps (or output), and have none. :relation is step or chunk, :expected one of
--        the two conditions above; :among narrows builds down, or is true.
-- For:   scan, verify and delete: where too few builds lack them, nothing more is asked.
-- Why:   on a sound database this is all that is read. In psql: -v relation=step -v expected='build.stopped_at - build.started_at
--        >= interval ''1 minute''' -v among=true
WITH setting AS MATERIALIZED (
    SELECT coalesce(nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz
                      + coalesce(nullif(current_setting('halfbuilt.clock_tolerance', true), ''), '0')::interval, 'infinity') AS over_by
)
SELECT count(*) AS builds
  FROM build
 WHERE build.lifecycle = 'finished' AND build.started_at IS NOT NULL AND build.stopped_at <= (SELECT setting.over_by FROM setting)
   AND :among
   AND :expected
   AND NOT EXISTS (SELECT FROM :relation AS held WHERE held.build_key = build.build_key);

-- part: losses
-- What:  of the builds that were over by T and should have steps (or output): how many there are, how many have them, and what the others
--        come to. `lost` is an array of names: `project:HASH`, a project of which no build has any; `range:FROM/TO/BUILDS`, a stretch of
--        time in which no build has any; `word:HASH`, a status word whose builds mostly have them, so that a single one without
--        is a loss; `habit:HASH`, one whose builds mostly lack them, so that no such build is a loss. `kept_since` is when the first build
--        that has any started, and when the first of these stopped, where the CI's own retention explains what is before; `expired`
--        is how many builds it concerns.
-- For:   the rule relation-empty, and the rules that must not take retention for damage; once per run, since each deletion changes the sums.
-- Why:   a table, a partition or a table space that came back empty is seen by its neighbours, which are not. A project: at least three
--        builds. A stretch: at least ten builds one after another. But the oldest stretch, of ten builds or more, that ends a day before T
--        or earlier, is what a CI expires by age: by the start of its builds or by their end. Where each build says for itself that it may
--        have been expired (may_be_expired), fewer are enough; where one says that it was not, it is a loss. Only builds that were over by T count, so
--        that what the restored server has written since hides nothing. Status words and names come from outside, and may be any bytes:
--        hashes stand for them. What a word's builds mostly have is asked of those that are in no such project or stretch.
--        In psql: as for the part `lacking`.
WITH setting AS MATERIALIZED (
    SELECT nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz AS backup_time,
           coalesce(nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz
                      + coalesce(nullif(current_setting('halfbuilt.clock_tolerance', true), ''), '0')::interval, 'infinity') AS over_by
), lacking AS MATERIALIZED (
    -- Over the builds themselves, not over `expecting`: an index of :relation then finds what each build has.
    SELECT build.build_key
      FROM build
     WHERE build.lifecycle = 'finished' AND build.started_at IS NOT NULL AND build.stopped_at <= (SELECT setting.over_by FROM setting)
       AND :expected
       AND NOT EXISTS (SELECT FROM :relation AS held WHERE held.build_key = build.build_key)
), expecting AS MATERIALIZED (
    SELECT build.build_key, md5(coalesce('=' || build.project, '')) AS project, md5(coalesce('=' || build.status, '')) AS word,
           build.started_at, build.stopped_at, build.may_be_expired
      FROM build
     WHERE build.lifecycle = 'finished' AND build.started_at IS NOT NULL AND build.stopped_at <= (SELECT setting.over_by FROM setting)
       AND :expected
), total AS MATERIALIZED (
    SELECT count(*) AS builds, count(*) FILTER (WHERE lacking.build_key IS NULL) AS having,
           min(expecting.started_at) FILTER (WHERE lacking.build_key IS NULL) AS first_start,
           min(expecting.stopped_at) FILTER (WHERE lacking.build_key IS NULL) AS first_stop,
           max(expecting.started_at) AS newest
      FROM expecting
      LEFT JOIN lacking ON lacking.build_key = expecting.build_key
), retention AS MATERIALIZED (
    SELECT total.first_start, total.first_stop, count(*) AS builds
      FROM expecting
      JOIN total ON expecting.started_at < total.first_start OR expecting.stopped_at < total.first_stop
     GROUP BY total.first_start, total.first_stop, total.newest
    HAVING (count(*) >= 10 OR bool_and(expecting.may_be_expired))
       AND bool_and(expecting.may_be_expired IS NOT FALSE)
       AND max(expecting.started_at) <= coalesce((SELECT setting.backup_time FROM setting), total.newest) - interval '1 day'
), kept AS MATERIALIZED (
    -- Builds without any that follow one another have the same place.
    SELECT expecting.project, expecting.word, expecting.started_at, lacking.build_key IS NOT NULL AS lacks,
           count(*) FILTER (WHERE lacking.build_key IS NULL) OVER (ORDER BY expecting.started_at) AS place
      FROM expecting
      LEFT JOIN lacking ON lacking.build_key = expecting.build_key
     WHERE NOT EXISTS (SELECT FROM retention WHERE expecting.started_at < retention.first_start OR expecting.stopped_at < retention.first_stop)
       AND (SELECT total.having > 0 FROM total)
), bare_project AS MATERIALIZED (
    SELECT kept.project FROM kept GROUP BY kept.project HAVING count(*) >= 3 AND bool_and(kept.lacks)
), bare_range AS MATERIALIZED (
    -- Not where one project that lacks them all is alone for a while.
    SELECT kept.place, min(kept.started_at) AS begins, max(kept.started_at) AS ends
      FROM kept
      LEFT JOIN bare_project ON bare_project.project = kept.project
     WHERE kept.lacks
     GROUP BY kept.place
    HAVING count(*) >= 10 AND count(*) > count(bare_project.project)
), word AS MATERIALIZED (
    SELECT kept.word, count(*) FILTER (WHERE NOT kept.lacks) * 2 > count(*) AS is_usual
      FROM kept
      LEFT JOIN bare_project ON bare_project.project = kept.project
      LEFT JOIN bare_range ON bare_range.place = kept.place AND kept.lacks
     WHERE bare_project.project IS NULL AND bare_range.place IS NULL
     GROUP BY kept.word
    HAVING count(*) >= 3
), evidence AS MATERIALIZED (
    -- Where every build has a word of its own, no word tells anything.
    SELECT NOT EXISTS (SELECT FROM word WHERE word.is_usual) AS is_needless
), lost_project AS MATERIALIZED (
    SELECT kept.project
      FROM kept
      JOIN bare_project ON bare_project.project = kept.project
      LEFT JOIN word ON word.word = kept.word
     GROUP BY kept.project
    HAVING count(*) FILTER (WHERE word.is_usual IS NOT FALSE) >= 3
       AND (bool_or(word.is_usual) IS TRUE OR (SELECT evidence.is_needless FROM evidence))
), lost_range AS MATERIALIZED (
    SELECT bare_range.begins, bare_range.ends, count(*) FILTER (WHERE word.is_usual IS NOT FALSE) AS builds
      FROM kept
      JOIN bare_range ON bare_range.place = kept.place
      LEFT JOIN word ON word.word = kept.word
     WHERE kept.lacks
     GROUP BY bare_range.begins, bare_range.ends
    HAVING count(*) FILTER (WHERE word.is_usual IS NOT FALSE) * 2 >= count(*)
       AND (bool_or(word.is_usual) IS TRUE OR (SELECT evidence.is_needless FROM evidence))
     ORDER BY count(*) DESC, bare_range.begins
     LIMIT 1000
), loss AS (
    SELECT 'project:' || lost_project.project AS name FROM lost_project
    UNION ALL
    SELECT 'range:' || to_char(lost_range.begins AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '/'
             || to_char(lost_range.ends AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '/' || lost_range.builds
      FROM lost_range
    UNION ALL
    SELECT DISTINCT CASE WHEN word.is_usual THEN 'word:' ELSE 'habit:' END || word.word
      FROM kept
      JOIN word ON word.word = kept.word
     WHERE kept.lacks
)
SELECT total.builds, total.having, coalesce(retention.builds, 0) AS expired,
       coalesce(ARRAY[retention.first_start, retention.first_stop]::text, '') AS kept_since, retention.first_start AS kept_from,
       (SELECT coalesce(array_agg(loss.name ORDER BY loss.name COLLATE "C")::text, '{}') FROM loss) AS lost
  FROM total
  LEFT JOIN retention ON true;
