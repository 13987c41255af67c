-- What:  whether there are builds on both sides of a time, the first item of $1.
-- For:   a recovery of the server before T, and the suggestion of T: a restore has builds on both sides.
-- Why:   a T that lies after the restore would take living builds for such as the backup cut.
SELECT coalesce(bool_or(least(build.queued_at, build.started_at) < ($1::text[])[1]::timestamptz), false)
   AND coalesce(bool_or(greatest(build.queued_at, build.started_at) > ($1::text[])[1]::timestamptz), false) AS has_both
  FROM build;
