-- What:  one row for each build of the relation subject, with all that the report says of it.
-- For:   scan, verify and delete.
-- Why:   the database counts, adds up and sorts; the program only passes the rows on. Steps and output are read for
--        the reported builds alone. A time that is not on record is NULL in these relations (build_on_record.sql); what was
--        written in its place is in off_record, and in_future says whether any such value lies in the future.
--        A text of more than 4 KiB (evidence: 16) does not cross the wire as a whole: its beginning does, with its length and a
--        digest, by which a fingerprint still sees every change. What is left of an address is none: nothing is found by it.
WITH setting AS (
    SELECT nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz AS backup_time,
           now() + interval '10 minutes' AS ahead
), step_total AS (
    SELECT step.build_key,
           count(*) AS steps,
           count(*) FILTER (WHERE step.started_at IS NOT NULL AND step.stopped_at IS NULL) AS steps_unfinished,
           CASE WHEN count(step.output_size) FILTER (WHERE step.has_output) > 0
                THEN least(sum(step.output_size) FILTER (WHERE step.has_output), 9223372036854775807)::bigint
           END AS output_expected,
           max(step.started_at) AS last_started_at,
           greatest(max(step.started_at), max(step.stopped_at)) AS last_seen,
           greatest(max(step.started_at) FILTER (WHERE step.started_at <= setting.backup_time),
                    max(step.stopped_at) FILTER (WHERE step.stopped_at <= setting.backup_time)) AS last_seen_by_backup,
           bool_or(greatest(step.raw_started_at, step.raw_stopped_at) > setting.ahead) AS in_future
      FROM step
     CROSS JOIN setting
     WHERE step.build_key IN (SELECT subject.build_key FROM subject)
     GROUP BY step.build_key
), chunk_total AS (
    SELECT chunk.build_key,
           greatest(least(sum(chunk.next::numeric - chunk.first), 9223372036854775807), -9223372036854775808)::bigint
             AS output_stored,
           max(chunk.stored_at) AS last_seen,
           max(chunk.stored_at) FILTER (WHERE chunk.stored_at <= setting.backup_time) AS last_seen_by_backup,
           bool_or(chunk.raw_stored_at > setting.ahead) AS in_future
      FROM chunk
     CROSS JOIN setting
     WHERE chunk.build_key IN (SELECT subject.build_key FROM subject)
     GROUP BY chunk.build_key
), timed AS (
    SELECT subject.build_key, subject.reasons, subject.obstacles, subject.evidence,
           build.build_url, build.project, build.build_num::bigint AS build_num, build.lifecycle, build.status,
           build.queued_at, build.started_at, build.stopped_at, build.build_key IS NOT NULL AS is_there,
           concat_ws('; ', CASE WHEN build.queued_at  IS NULL THEN 'queued '  || build.raw_queued_at::text  END,
                           CASE WHEN build.started_at IS NULL THEN 'started ' || build.raw_started_at::text END,
                           CASE WHEN build.stopped_at IS NULL THEN 'stopped ' || build.raw_stopped_at::text END) AS off_record,
           greatest(build.raw_queued_at, build.raw_started_at, build.raw_stopped_at) > setting.ahead AS in_future
      FROM subject
     CROSS JOIN setting
      LEFT JOIN build ON build.build_key = subject.build_key
)
SELECT CASE WHEN octet_length(timed.build_url) <= 4096 THEN timed.build_url
            ELSE 'cut: ' || left(timed.build_url, 200) || '... (' || octet_length(timed.build_url)::text || ' bytes, SHA-256 '
                 || encode(sha256(convert_to(timed.build_url, 'UTF8')), 'hex') || ')' END AS build_url,
       CASE WHEN octet_length(timed.project) <= 4096 THEN timed.project
            ELSE left(timed.project, 200) || '... (' || octet_length(timed.project)::text || ' bytes, SHA-256 '
                 || encode(sha256(convert_to(timed.project, 'UTF8')), 'hex') || ')' END AS project,
       timed.build_num,
       CASE WHEN octet_length(timed.lifecycle) <= 4096 THEN timed.lifecycle
            ELSE left(timed.lifecycle, 200) || '... (' || octet_length(timed.lifecycle)::text || ' bytes, SHA-256 '
                 || encode(sha256(convert_to(timed.lifecycle, 'UTF8')), 'hex') || ')' END AS lifecycle,
       CASE WHEN octet_length(timed.status) <= 4096 THEN timed.status
            ELSE left(timed.status, 200) || '... (' || octet_length(timed.status)::text || ' bytes, SHA-256 '
                 || encode(sha256(convert_to(timed.status, 'UTF8')), 'hex') || ')' END AS status,
       timed.queued_at, timed.started_at, timed.stopped_at,
       greatest(timed.queued_at, timed.started_at, timed.stopped_at, step_total.last_seen, chunk_total.last_seen) AS last_activity_at,
       greatest(CASE WHEN timed.queued_at  <= setting.backup_time THEN timed.queued_at  END,
                CASE WHEN timed.started_at <= setting.backup_time THEN timed.started_at END,
                CASE WHEN timed.stopped_at <= setting.backup_time THEN timed.stopped_at END,
                step_total.last_seen_by_backup, chunk_total.last_seen_by_backup) AS last_seen_by_backup,
       timed.reasons,
       CASE WHEN octet_length(timed.evidence) <= 16384 THEN timed.evidence
            ELSE left(timed.evidence, 4000) || '... (' || octet_length(timed.evidence)::text || ' bytes)' END AS evidence,
       coalesce(step_total.steps, 0) AS steps,
       coalesce(step_total.steps_unfinished, 0) AS steps_unfinished,
       step_total.output_expected,
       coalesce(chunk_total.output_stored, 0) AS output_stored,
       timed.build_key::text AS build_key,
       step_total.last_started_at AS last_step_started_at,
       CASE WHEN octet_length(sharing.evidence) <= 16384 THEN sharing.evidence
            ELSE left(sharing.evidence, 4000) || '... (' || octet_length(sharing.evidence)::text || ' bytes)' END AS shares,
       chunk_total.last_seen AS last_stored_at,
       timed.obstacles,
       nullif(timed.off_record, '') AS off_record,
       coalesce(timed.in_future, false) OR coalesce(step_total.in_future, false) OR coalesce(chunk_total.in_future, false) AS in_future,
       timed.is_there
  FROM timed
 CROSS JOIN setting
  LEFT JOIN step_total ON step_total.build_key = timed.build_key
  LEFT JOIN chunk_total ON chunk_total.build_key = timed.build_key
  LEFT JOIN (SELECT shared.build_key, string_agg(shared.evidence, ' and ') AS evidence FROM shared GROUP BY shared.build_key) AS sharing
         ON sharing.build_key = timed.build_key
 ORDER BY timed.project COLLATE "C", timed.build_num, timed.build_url COLLATE "C", timed.build_key;
