-- What:  how many builds each project has, and how many of them had been asked for by T: NULL where T is not given, or none of them
--        tells a time.
-- For:   the choice of projects by --project, to say how much was looked at, and to see that T is not before everything.
-- Why:   where nothing was looked at, nothing is clean; and no build that came after T can be cut by the backup.
SELECT build.project, count(*) AS builds,
       sum((least(build.queued_at, build.started_at, build.stopped_at)
            <= nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz)::int) AS asked_for
  FROM build
 GROUP BY build.project;
