-- rule: impossible-state
-- title: the build's lifecycle and its times contradict each other
-- needs: build
-- lifecycles: finished, not_run, queued, not_running, running
-- deletable: row by row
--
-- What:  builds in a state that no sound build can be in: finished, with a start and no stop; skipped for good (not_run), with a start;
--        waiting (queued, not_running), with a start (after the restore only where the build has been silent for longer than the
--        maximum run time); running, with a stop by the backup time (or by now, where none is given).
-- For:   scan, verify and delete.
-- Why:   the record was half written, or half closed: its lifecycle and its times are of two moments. Where more than half of all builds
--        of one status word are so, this CI writes them that way: such a build is reported, and not deleted.
--        Where the versions of rows tell what was written after the restore, the evidence says so; nothing else depends on them.
-- Not:   a stop without a start: the build was cancelled while it waited. A held build.
WITH setting AS MATERIALIZED (
    SELECT coalesce(nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz
                      + nullif(current_setting('halfbuilt.clock_tolerance', true), '')::interval, now()) AS stopped_by,
           coalesce(nullif(current_setting('halfbuilt.restored_at', true), '')::timestamptz, now()) AS started_by,
           nullif(current_setting('halfbuilt.max_run_time', true), '')::interval AS max_run_time,
           nullif(current_setting('halfbuilt.habits', true), '')::text[] AS habits,
           nullif(current_setting('halfbuilt.new_row_version', true), '')::bigint AS new_row_version
), odd AS (
    SELECT build.build_key, build.lifecycle, build.status, build.queued_at, build.started_at, build.stopped_at, build.seen_at, build.row_version
      FROM build
     WHERE build.lifecycle = 'finished' AND build.started_at IS NOT NULL AND build.stopped_at IS NULL
        OR build.lifecycle IN ('not_run', 'queued', 'not_running') AND build.started_at IS NOT NULL
        OR build.lifecycle = 'running' AND build.stopped_at <= (SELECT setting.stopped_by FROM setting)
), later AS MATERIALIZED (
    SELECT odd.build_key, greatest(odd.queued_at, odd.started_at) AS seen, odd.seen_at
      FROM odd
     WHERE odd.lifecycle IN ('queued', 'not_running') AND odd.started_at > (SELECT setting.started_by FROM setting)
), life AS (
    SELECT step.build_key, greatest(step.started_at, step.stopped_at) AS at
      FROM step WHERE step.build_key IN (SELECT later.build_key FROM later)
    UNION ALL
    SELECT chunk.build_key, chunk.stored_at
      FROM chunk WHERE chunk.build_key IN (SELECT later.build_key FROM later)
), lively AS (
    SELECT later.build_key
      FROM later
      LEFT JOIN (SELECT life.build_key, max(life.at) AS at FROM life GROUP BY life.build_key) AS latest
             ON latest.build_key = later.build_key
     WHERE greatest(later.seen, latest.at) >= later.seen_at - (SELECT setting.max_run_time FROM setting)
), found AS MATERIALIZED (
    SELECT odd.*
      FROM odd
     WHERE NOT EXISTS (SELECT FROM lively WHERE lively.build_key = odd.build_key)
)
SELECT found.build_key,
       found.lifecycle
         || CASE found.lifecycle WHEN 'finished' THEN ', started ' WHEN 'running' THEN ', but stopped ' ELSE ', but started ' END
         || to_char((CASE found.lifecycle WHEN 'running' THEN found.stopped_at ELSE found.started_at END) AT TIME ZONE 'UTC',
                    'YYYY-MM-DD"T"HH24:MI:SS"Z"')
         || CASE found.lifecycle WHEN 'finished' THEN ', no stop is on record' ELSE '' END
         || CASE WHEN found.row_version::text::bigint >= setting.new_row_version THEN '; its row was written after the restore' ELSE '' END AS evidence,
       CASE WHEN found.lifecycle || ':' || md5(coalesce('=' || found.status, '')) = ANY (setting.habits)
            THEN 'most builds ' || coalesce('of status "' || left(found.status, 80) || '"', 'without a status')
                   || ' are so: a habit of this CI?'
            WHEN found.lifecycle = ANY (setting.habits)
            THEN 'most builds that are ' || found.lifecycle || ' are so: a habit of this CI?' END AS obstacle
  FROM found
 CROSS JOIN setting;
