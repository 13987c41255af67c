-- What:  whether T and R can be true, by all builds: how many did something between them, when first and when last; from when on a
--        stop is the restored server's own; when a build that was queued after R started first; the database's clock; and when any build
--        started first after R.
-- For:   scan, verify and delete, before any timing is told.
-- Why:   nothing that happened after T can be in a database that was restored from T, and nothing happened before R on a server that
--        was not there: a build that did something in between says that T, R or a clock is wrong. Clocks may be apart by the tolerance.
--        A server that starts may close what it finds running before it says that it is up. So stops alone in the last 15 minutes
--        before R, where nothing else happened, contradict nothing. They might as well be the last of a server that was still at work, if
--        the backup was taken later than T: so such a stop alone makes no build deletable.
--        What belongs to no build counts as well: it was written, by whomever. :among narrows output to the builds that may have been at
--        work after T. In psql: -v among=true
--        $1 holds four times in microseconds since 1970: T + tolerance, R - tolerance, where the last 15 minutes before R begin (or
--        T + tolerance), and R. As numbers they are constants to the planner, which can then read steps and output in parallel.
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
