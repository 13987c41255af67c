-- rule: impossible-times
-- title: the build's times cannot be true
-- needs: build
-- deletable: never
--
-- What:  builds that stopped before they started, or started before they were queued, by more than 10 minutes.
-- For:   scan and verify. This loses nothing of a build, so it is no reason to delete one.
-- Why:   a record whose times contradict one another was written in part, or put together from two moments.
-- Not:   less than that, since the clocks of machines differ. A start or a queueing that is not on record: a build that was cancelled
--        while it waited stopped without a start. A held build.
WITH written AS (
    SELECT build.build_key, build.queued_at, build.started_at, build.stopped_at,
           to_char(build.queued_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS queued,
           to_char(build.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS started,
           to_char(build.stopped_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS stopped
      FROM build
     WHERE (build.stopped_at < build.started_at - interval '10 minutes' OR build.started_at < build.queued_at - interval '10 minutes')
       AND build.lifecycle IS DISTINCT FROM 'held'
)
SELECT written.build_key, seen.evidence
  FROM written
 CROSS JOIN LATERAL (VALUES
         (1, written.stopped_at < written.started_at - interval '10 minutes',
          'stopped ' || written.stopped || ', before it started at ' || written.started),
         (2, written.started_at < written.queued_at - interval '10 minutes',
          'started ' || written.started || ', before it was queued at ' || written.queued)
       ) AS seen (place, holds, evidence)
 WHERE seen.holds
 ORDER BY seen.place;
