-- rule: impossible-times
-- title: the build's times cannot be true
-- needs: build
-- deletable: never
--
-- What:  builds that stopped before they started, or started before they were queued, by more than 10 minutes.
-- For:   scan and verify. Nothing of such a build is lost by that alone, so by that alone it is never deleted.
-- Why:   a record whose times contradict one another was written in part, or put together from two moments.
-- Not:   less than that, since machines' clocks differ; a start or a queueing that is not on record: a build that was cancelled while it
--        waited stopped without having started. A build that waits on purpose (held).
WITH told AS (
    SELECT build.build_key, build.queued_at, build.started_at, build.stopped_at,
           to_char(build.queued_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS queued,
           to_char(build.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS started,
           to_char(build.stopped_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS stopped
      FROM build
     WHERE (build.stopped_at < build.started_at - interval '10 minutes' OR build.started_at < build.queued_at - interval '10 minutes')
       AND build.lifecycle IS DISTINCT FROM 'held'
)
SELECT told.build_key, seen.evidence
  FROM told
 CROSS JOIN LATERAL (VALUES
         (1, told.stopped_at < told.started_at - interval '10 minutes',
          'stopped ' || told.stopped || ', before it started at ' || told.started),
         (2, told.started_at < told.queued_at - interval '10 minutes',
          'started ' || told.started || ', before it was queued at ' || told.queued)
       ) AS seen (place, holds, evidence)
 WHERE seen.holds
 ORDER BY seen.place;
