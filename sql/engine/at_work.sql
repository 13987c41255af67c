-- What:  the keys of the builds that may have been at work after T, :most of them at most.
-- For:   premise.sql, which then looks only at the output of these.
-- Why:   a build that had stopped an hour before T stored nothing after it, and to read when each piece was stored would take longer than
--        the scan itself. So output that came later than an hour after the stop of its build is not seen.
SELECT build.build_key::text
  FROM build
 WHERE (build.stopped_at IS NULL
        OR build.stopped_at > nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz - interval '1 hour')
 LIMIT :most;
