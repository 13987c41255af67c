-- rule: impossible-times
-- title: the build's times cannot be true
-- needs: build
--
-- What:  builds that stopped before they started, started before they were queued, or stopped without having started.
-- For:   scan, verify and delete.
-- Why:   a record whose times contradict one another was written in part, or put together from two moments.
-- Not:   times that are equal, and a start or a queueing that is not on record.
WITH told AS (
    SELECT build.build_key, build.queued_at, build.started_at, build.stopped_at,
           coalesce(to_char(build.queued_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), build.queued_at::text) AS queued,
           coalesce(to_char(build.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), build.started_at::text) AS started,
           coalesce(to_char(build.stopped_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), build.stopped_at::text) AS stopped
      FROM build
     WHERE build.stopped_at < build.started_at OR build.started_at < build.queued_at
        OR build.stopped_at IS NOT NULL AND build.started_at IS NULL
)
SELECT told.build_key, seen.evidence
  FROM told
 CROSS JOIN LATERAL (VALUES
         (1, told.stopped_at < told.started_at, 'stopped ' || told.stopped || ', before it started at ' || told.started),
         (2, told.started_at < told.queued_at, 'started ' || told.started || ', before it was queued at ' || told.queued),
         (3, told.stopped_at IS NOT NULL AND told.started_at IS NULL, 'stopped ' || told.stopped || ', never started')
       ) AS seen (place, holds, evidence)
 WHERE seen.holds
 ORDER BY seen.place;
