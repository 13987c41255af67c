-- rule: relation-empty
-- title: steps or output of a whole project, or of a whole time, are gone
-- needs: build, step
-- deletable: never
-- finds: builds that lost a relation
--
-- What:  builds that were over by the backup time, should have steps (they ran for a minute) or output (a step says so), and have none: where
--        no build of the project has any, though others have; where no build that started within a stretch of time has any (at least ten
--        builds, one after another); and, for steps, where most builds of the same status word have some, and this one ran for five minutes.
-- For:   scan, verify and delete, which deletes no such build because of what it lacks.
-- Why:   a partition, a table space or a table that came back empty is no damage of single builds: the rows may still be in the backup.
-- Not:   the oldest builds, where ten or more have none: the CI expires them. A status word whose builds mostly have none. A relation
--        that lost all of its rows: that is said once, for the whole database. It has no build to show.
WITH setting AS MATERIALIZED (
    SELECT coalesce(nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz
                      + coalesce(nullif(current_setting('halfbuilt.clock_tolerance', true), ''), '0')::interval, 'infinity') AS over_by,
           nullif(nullif(current_setting('halfbuilt.steps_lost', true), ''), '{}')::text[] AS steps_lost,
           nullif(nullif(current_setting('halfbuilt.output_lost', true), ''), '{}')::text[] AS output_lost,
           nullif(current_setting('halfbuilt.steps_kept_since', true), '')::timestamptz[] AS steps_kept_since,
           nullif(current_setting('halfbuilt.output_kept_since', true), '')::timestamptz[] AS output_kept_since
), loss AS MATERIALIZED (
    SELECT 'step' AS relation, unnest(setting.steps_lost) AS name FROM setting
    UNION ALL
    SELECT 'output', unnest(setting.output_lost) FROM setting
), stretch AS MATERIALIZED (
    SELECT loss.relation, split_part(substr(loss.name, 7), '/', 1)::timestamptz AS begins,
           split_part(substr(loss.name, 7), '/', 2)::timestamptz AS ends, split_part(loss.name, '/', 3) AS builds
      FROM loss
     WHERE loss.name LIKE 'range:%'
), over AS NOT MATERIALIZED (
    SELECT build.build_key, build.queued_at, build.started_at, build.stopped_at, build.status,
           md5(coalesce('=' || build.project, '')) AS project, md5(coalesce('=' || build.status, '')) AS word
      FROM build
     WHERE build.lifecycle = 'finished' AND build.started_at IS NOT NULL AND build.stopped_at <= (SELECT setting.over_by FROM setting)
), lacking AS MATERIALIZED (
    SELECT over.*, 'step' AS relation
      FROM over
     WHERE (SELECT setting.steps_lost IS NOT NULL FROM setting)
       AND over.stopped_at - over.started_at >= interval '1 minute'
       AND NOT EXISTS (SELECT FROM step WHERE step.build_key = over.build_key)
       AND (SELECT over.started_at < setting.steps_kept_since[1] OR over.stopped_at < setting.steps_kept_since[2] FROM setting) IS NOT TRUE
    UNION ALL
    SELECT over.*, 'output'
      FROM over
     WHERE (SELECT setting.output_lost IS NOT NULL FROM setting)
       AND over.build_key IN (SELECT step.build_key FROM step WHERE step.has_output AND step.output_size IS DISTINCT FROM 0)
       AND NOT EXISTS (SELECT FROM chunk WHERE chunk.build_key = over.build_key)
       AND (SELECT over.started_at < setting.output_kept_since[1] OR over.stopped_at < setting.output_kept_since[2] FROM setting) IS NOT TRUE
), found AS (
    SELECT lacking.build_key, lacking.relation, lacking.stopped_at - lacking.started_at AS ran, lacking.status,
           EXISTS (SELECT FROM loss WHERE loss.relation = lacking.relation AND loss.name = 'project:' || lacking.project) AS of_project,
           stretch.begins, stretch.ends, stretch.builds,
           -- Of a build that started before it was queued nobody knows how long it ran.
           lacking.relation = 'step' AND lacking.stopped_at - lacking.started_at >= interval '5 minutes'
             AND (lacking.started_at < lacking.queued_at - interval '10 minutes') IS NOT TRUE
             AND EXISTS (SELECT FROM loss WHERE loss.relation = lacking.relation AND loss.name = 'word:' || lacking.word) AS of_word
      FROM lacking
      LEFT JOIN stretch ON stretch.relation = lacking.relation AND lacking.started_at BETWEEN stretch.begins AND stretch.ends
     WHERE NOT EXISTS (SELECT FROM loss WHERE loss.relation = lacking.relation AND loss.name = 'habit:' || lacking.word)
)
SELECT found.build_key,
       CASE found.relation WHEN 'step' THEN 'no step is on record' ELSE 'no piece of output is stored' END
         || CASE WHEN found.of_project THEN ', as in no other build of its project'
                 WHEN found.begins IS NOT NULL
                 THEN ', as in none of ' || found.builds || ' builds that started from '
                        || to_char(found.begins AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') || ' to '
                        || to_char(found.ends AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
                 ELSE ', though it ran for ' || floor(extract(epoch FROM found.ran) / 60) || ' min, and most builds '
                        || coalesce('of status "' || left(found.status, 80) || '"', 'without a status') || ' have some' END AS evidence
  FROM found
 WHERE found.of_project OR found.begins IS NOT NULL OR found.of_word
 ORDER BY found.build_key, found.relation DESC;
