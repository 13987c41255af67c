-- What:  the keys of the builds that may have been at work between T and R, :most of them at most.
-- For:   premise.sql, which then looks only at their steps and their output.
-- Why:   a build that had stopped an hour before T, or was not there before R, did nothing in between; to read all steps and all output
--        for that would take longer than the scan itself.
SELECT build.build_key::text
  FROM build
 WHERE (build.stopped_at IS NULL
        OR build.stopped_at > nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz - interval '1 hour')
   AND coalesce(least(build.queued_at, build.started_at)
                  < nullif(current_setting('halfbuilt.restored_at', true), '')::timestamptz, true)
 LIMIT :most;
