-- What:  the two longest quiet times in the database: the last write before each, the first after it, and how many builds had
--        started and not stopped at that last write. Where it has been quiet even longer since the very last write, a
--        second row says so; it has no first write after it.
-- For:   scan without --backup-time, which says what the database itself suggests.
-- Why:   between a backup and the restore of it a server writes nothing, so the backup was most likely taken soon after
--        the last write before the longest gap; or after the very last write, if the restored server was not started yet.
--        It is a guess: a quiet holiday looks the same, and so does a restored server that nobody uses. So the second is told as well.
--        Times are gathered by ten minutes first, so that nothing has to be sorted; no shorter gap is of any interest.
WITH span AS (
    SELECT min(seen.at) AS first, max(seen.at) AS last, count(*) AS moments
      FROM build
     CROSS JOIN LATERAL (VALUES (build.queued_at), (build.started_at), (build.stopped_at)) AS seen (at)
     WHERE seen.at <= now()
     GROUP BY floor(extract(epoch FROM seen.at) / 600)
), gap AS (
    SELECT span.last AS begins, lead(span.first) OVER so_far AS ends,
           sum(span.moments) OVER so_far / sum(span.moments) OVER () AS share_before
      FROM span
    WINDOW so_far AS (ORDER BY span.first)
), quiet AS (
    -- Not a gap behind a few records with a time that is far too early: most of a history lies before its backup.
    (SELECT gap.begins, gap.ends FROM gap WHERE gap.ends IS NOT NULL AND gap.share_before >= 0.1
      ORDER BY gap.ends - gap.begins DESC, gap.begins DESC LIMIT 2)
    UNION ALL
    (SELECT gap.begins, gap.ends FROM gap WHERE gap.ends IS NULL ORDER BY gap.begins DESC LIMIT 1)
), written AS (
    -- A step may have been written after the last build was.
    SELECT greatest(quiet.begins, max(seen.at)) AS last_write, quiet.ends AS next_write
      FROM quiet
      LEFT JOIN (step CROSS JOIN LATERAL (VALUES (step.started_at), (step.stopped_at)) AS seen (at))
        ON seen.at > quiet.begins AND seen.at < coalesce(quiet.ends, now())
     GROUP BY quiet.begins, quiet.ends
), ranked AS (
    SELECT written.last_write, written.next_write,
           max(written.next_write - written.last_write) OVER () AS longest
      FROM written
)
SELECT ranked.last_write, ranked.next_write,
       (SELECT count(*) FROM build
         WHERE build.started_at <= ranked.last_write
           AND (build.stopped_at IS NULL OR build.stopped_at > ranked.last_write)) AS running
  FROM ranked
 WHERE ranked.next_write IS NOT NULL OR now() - ranked.last_write > coalesce(ranked.longest, interval '0')
 ORDER BY ranked.next_write IS NULL, ranked.next_write - ranked.last_write DESC;
