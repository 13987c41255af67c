-- What:  the relation build, where a value that is no time is no time: NULL, like one that was never written.
-- For:   every statement; rules and timings never see what a profile gives, but this.
-- Why:   "never" is written as 0001-01-01, 1970-01-01 or infinity by many servers, and a clock that is years ahead is no sign of
--        life. On record is what lies between the year 2000, whose first instant is "never" too, and 10 minutes from now. What was
--        written stays at hand under raw_...: a fingerprint goes by it. :others are the columns that a profile gives besides.
SELECT written.build_key, written.build_url, written.project, written.build_num, written.lifecycle, written.status,
       CASE WHEN written.queued_at  > '2000-01-01 00:00Z' AND written.queued_at  <= now() + interval '10 minutes' THEN written.queued_at  END AS queued_at,
       CASE WHEN written.started_at > '2000-01-01 00:00Z' AND written.started_at <= now() + interval '10 minutes' THEN written.started_at END AS started_at,
       CASE WHEN written.stopped_at > '2000-01-01 00:00Z' AND written.stopped_at <= now() + interval '10 minutes' THEN written.stopped_at END AS stopped_at,
       written.queued_at AS raw_queued_at, written.started_at AS raw_started_at, written.stopped_at AS raw_stopped_at:others
  FROM written_build AS written;
