-- What:  where the longest quiet time in the database lies: the last write before it, the first after it, and how many
--        builds had started and not stopped at that last write.
-- For:   scan without --backup-time, which says what the database itself suggests.
-- Why:   between a backup and the restore of it a server writes nothing, so the backup was most likely taken soon after
--        the last write before the longest gap. It is a guess: a quiet holiday looks the same.
WITH moment AS (
    SELECT seen.at
      FROM build
     CROSS JOIN LATERAL (VALUES (build.queued_at), (build.started_at), (build.stopped_at)) AS seen (at)
     WHERE seen.at BETWEEN '0001-01-01 00:00Z' AND now()
), gap AS (
    SELECT moment.at AS until, lead(moment.at, 1, now()) OVER (ORDER BY moment.at) AS since FROM moment
), longest AS (
    SELECT gap.until, gap.since FROM gap ORDER BY gap.since - gap.until DESC, gap.until DESC LIMIT 1
), written AS (
    -- A step may have been written after the last build was.
    SELECT greatest(longest.until, max(seen.at)) AS last_write, longest.since
      FROM longest
      LEFT JOIN (step CROSS JOIN LATERAL (VALUES (step.started_at), (step.stopped_at)) AS seen (at))
        ON seen.at > longest.until AND seen.at < longest.since
     GROUP BY longest.until, longest.since
)
SELECT written.last_write, written.since AS first_write_after,
       (SELECT count(*) FROM build
         WHERE build.started_at <= written.last_write
           AND (build.stopped_at IS NULL OR build.stopped_at > written.last_write)) AS running
  FROM written;
