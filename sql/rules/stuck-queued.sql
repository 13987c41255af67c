-- rule: stuck-queued
-- title: the build was queued and never started
-- needs: build, queue_elsewhere
-- lifecycles: queued, not_running
--
-- What:  builds that wait for their start, and have waited since the backup time or longer (or until now, where none is given), or have
--        shown no sign of life for longer than the maximum run time, whenever they were queued.
-- For:   scan, verify and delete.
-- Why:   the queue that would have started them is often not part of the backup; then nothing ever starts them. Where it came back with
--        the backup, what waited starts soon: a build that was queued after the restore and has started since is the sign of that.
-- Not:   a build that was skipped for good (not_run), a build that has stopped, a held build.
WITH waiting AS (
    SELECT build.build_key, build.queued_at, build.seen_at
      FROM build
     WHERE build.lifecycle IN ('queued', 'not_running') AND build.started_at IS NULL AND build.stopped_at IS NULL
), later AS MATERIALIZED (
    SELECT waiting.build_key, waiting.queued_at, waiting.seen_at
      FROM waiting
     WHERE (waiting.queued_at <= (SELECT coalesce(nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz
                                        + coalesce(nullif(current_setting('halfbuilt.clock_tolerance', true), ''), '0')::interval, now()))) IS NOT TRUE
), life AS (
    SELECT step.build_key, greatest(step.started_at, step.stopped_at) AS at
      FROM step WHERE step.build_key IN (SELECT later.build_key FROM later)
    UNION ALL
    SELECT chunk.build_key, chunk.stored_at
      FROM chunk WHERE chunk.build_key IN (SELECT later.build_key FROM later)
), stuck AS (
    SELECT waiting.build_key, waiting.queued_at, NULL::timestamptz AS last
      FROM waiting
     WHERE waiting.queued_at <= (SELECT coalesce(nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz
                                        + coalesce(nullif(current_setting('halfbuilt.clock_tolerance', true), ''), '0')::interval, now()))
    UNION ALL
    SELECT later.build_key, later.queued_at, greatest(later.queued_at, latest.at)
      FROM later
      LEFT JOIN (SELECT life.build_key, max(life.at) AS at FROM life GROUP BY life.build_key) AS latest
             ON latest.build_key = later.build_key
     WHERE greatest(later.queued_at, latest.at) < later.seen_at - (SELECT nullif(current_setting('halfbuilt.max_run_time', true), '')::interval)
)
SELECT stuck.build_key,
       coalesce('queued at ' || to_char(stuck.queued_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'waiting')
         || ', never started'
         || CASE WHEN stuck.last IS DISTINCT FROM stuck.queued_at
                 THEN coalesce(', silent since ' || to_char(stuck.last AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), '')
                 ELSE '' END AS evidence
  FROM stuck;
