-- What:  one row for each build of the relation subject, with all that the report says of it.
-- For:   scan, verify and delete.
-- Why:   the database counts, adds up and sorts; the program only passes the rows on. Steps and output are read for
--        the reported builds alone. :stored_at is chunk.stored_at, or NULL::timestamptz where a profile does not say when
--        a piece was stored. Times before the year 1 or after the 29th of December 9999 (infinity too) count as not known.
WITH setting AS (
    SELECT nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz AS backup_time
), step_total AS (
    SELECT step.build_key,
           count(*) AS steps,
           count(*) FILTER (WHERE step.started_at IS NOT NULL AND step.stopped_at IS NULL) AS steps_unfinished,
           CASE WHEN count(step.output_size) FILTER (WHERE step.has_output) > 0
                THEN least(sum(step.output_size) FILTER (WHERE step.has_output), 9223372036854775807)::bigint
           END AS output_expected,
           max(step.started_at) FILTER (WHERE step.started_at BETWEEN '0001-01-01 00:00Z' AND '9999-12-30 00:00Z') AS last_started_at,
           greatest(max(step.started_at) FILTER (WHERE step.started_at BETWEEN '0001-01-01 00:00Z' AND '9999-12-30 00:00Z'),
                    max(step.stopped_at) FILTER (WHERE step.stopped_at BETWEEN '0001-01-01 00:00Z' AND '9999-12-30 00:00Z')) AS last_seen,
           greatest(max(step.started_at) FILTER (WHERE step.started_at BETWEEN '0001-01-01 00:00Z' AND setting.backup_time),
                    max(step.stopped_at) FILTER (WHERE step.stopped_at BETWEEN '0001-01-01 00:00Z' AND setting.backup_time)) AS last_seen_by_backup
      FROM step
     CROSS JOIN setting
     WHERE step.build_key IN (SELECT subject.build_key FROM subject)
     GROUP BY step.build_key
), chunk_total AS (
    SELECT chunk.build_key,
           greatest(least(sum(chunk.next::numeric - chunk.first), 9223372036854775807), -9223372036854775808)::bigint
             AS output_stored,
           max(:stored_at) FILTER (WHERE :stored_at BETWEEN '0001-01-01 00:00Z' AND '9999-12-30 00:00Z') AS last_seen,
           max(:stored_at) FILTER (WHERE :stored_at BETWEEN '0001-01-01 00:00Z' AND setting.backup_time)
             AS last_seen_by_backup
      FROM chunk
     CROSS JOIN setting
     WHERE chunk.build_key IN (SELECT subject.build_key FROM subject)
     GROUP BY chunk.build_key
), timed AS (
    SELECT subject.build_key, subject.reasons, subject.evidence,
           build.build_url, build.project, build.build_num::bigint AS build_num, build.lifecycle, build.status,
           CASE WHEN build.queued_at  BETWEEN '0001-01-01 00:00Z' AND '9999-12-30 00:00Z' THEN build.queued_at  END AS queued_at,
           CASE WHEN build.started_at BETWEEN '0001-01-01 00:00Z' AND '9999-12-30 00:00Z' THEN build.started_at END AS started_at,
           CASE WHEN build.stopped_at BETWEEN '0001-01-01 00:00Z' AND '9999-12-30 00:00Z' THEN build.stopped_at END AS stopped_at
      FROM subject
      LEFT JOIN build ON build.build_key = subject.build_key
)
SELECT timed.build_url, timed.project, timed.build_num, timed.lifecycle, timed.status,
       timed.queued_at, timed.started_at, timed.stopped_at,
       greatest(timed.queued_at, timed.started_at, timed.stopped_at, step_total.last_seen, chunk_total.last_seen) AS last_activity_at,
       greatest(CASE WHEN timed.queued_at  <= setting.backup_time THEN timed.queued_at  END,
                CASE WHEN timed.started_at <= setting.backup_time THEN timed.started_at END,
                CASE WHEN timed.stopped_at <= setting.backup_time THEN timed.stopped_at END,
                step_total.last_seen_by_backup, chunk_total.last_seen_by_backup) AS last_seen_by_backup,
       timed.reasons, timed.evidence,
       coalesce(step_total.steps, 0) AS steps,
       coalesce(step_total.steps_unfinished, 0) AS steps_unfinished,
       step_total.output_expected,
       coalesce(chunk_total.output_stored, 0) AS output_stored,
       timed.build_key::text AS build_key,
       step_total.last_started_at AS last_step_started_at,
       sharing.build_key IS NOT NULL AS shares_its_name,
       chunk_total.last_seen AS last_stored_at
  FROM timed
 CROSS JOIN setting
  LEFT JOIN step_total ON step_total.build_key = timed.build_key
  LEFT JOIN chunk_total ON chunk_total.build_key = timed.build_key
  LEFT JOIN (SELECT DISTINCT shared.build_key FROM shared) AS sharing ON sharing.build_key = timed.build_key
 ORDER BY timed.project COLLATE "C", timed.build_num, timed.build_url COLLATE "C", timed.build_key;
