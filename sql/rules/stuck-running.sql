-- rule: stuck-running
-- title: the build shows as running and never stopped
-- needs: build
-- lifecycles: running
--
-- What:  running builds that never stopped, and had started by the backup time (or by now, where none is given), or have shown no sign
--        of life for longer than the maximum run time, whenever they started.
-- For:   scan, verify and delete.
-- Why:   the backup was taken while they ran; nothing on the restored server will ever finish them. A build that is silent for longer
--        than a build may run is stuck too, though no backup has cut it. A copy of a build
--        (a document that was fetched) is silent as of when it was fetched.
-- Not:   a build that started after the backup and is at work. Where no start is on record, the queueing counts.
WITH open AS (
    SELECT build.build_key, build.queued_at, build.started_at, build.seen_at, coalesce(build.started_at, build.queued_at) AS since
      FROM build
     WHERE build.lifecycle = 'running' AND build.stopped_at IS NULL
), cut AS (
    SELECT open.build_key, open.since, NULL::timestamptz AS last
      FROM open
     WHERE open.since <= (SELECT coalesce(nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz
                                        + coalesce(nullif(current_setting('halfbuilt.clock_tolerance', true), ''), '0')::interval, now()))
), later AS MATERIALIZED (
    -- Few: what a live server runs.
    SELECT open.build_key, open.since, greatest(open.queued_at, open.started_at) AS seen, open.seen_at
      FROM open
     WHERE (open.since <= (SELECT coalesce(nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz
                                        + coalesce(nullif(current_setting('halfbuilt.clock_tolerance', true), ''), '0')::interval, now()))) IS NOT TRUE
), life AS (
    SELECT step.build_key, greatest(step.started_at, step.stopped_at) AS at
      FROM step WHERE step.build_key IN (SELECT later.build_key FROM later)
    UNION ALL
    SELECT chunk.build_key, chunk.stored_at
      FROM chunk WHERE chunk.build_key IN (SELECT later.build_key FROM later)
), silent AS (
    SELECT later.build_key, later.since, greatest(later.seen, latest.at) AS last
      FROM later
      LEFT JOIN (SELECT life.build_key, max(life.at) AS at FROM life GROUP BY life.build_key) AS latest
             ON latest.build_key = later.build_key
     WHERE greatest(later.seen, latest.at) < later.seen_at - (SELECT nullif(current_setting('halfbuilt.max_run_time', true), '')::interval)
), stuck AS (
    SELECT cut.* FROM cut
    UNION ALL
    SELECT silent.* FROM silent
)
SELECT stuck.build_key,
       'running' || coalesce(' since ' || to_char(stuck.since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), '')
         || ', never stopped'
         || coalesce(', silent since ' || to_char(stuck.last AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), '') AS evidence
  FROM stuck;
