-- What:  the relation step, where a value that is no time is no time. See build_on_record.sql.
-- For:   every statement.
-- Why:   a step whose end is written as 1970-01-01 never ended.
SELECT written.build_key, written.step_key, written.name, written.has_output, written.output_size, written.output_closed,
       CASE WHEN written.started_at > '2000-01-01 00:00Z' AND written.started_at <= now() + interval '10 minutes' THEN written.started_at END AS started_at,
       CASE WHEN written.stopped_at > '2000-01-01 00:00Z' AND written.stopped_at <= now() + interval '10 minutes' THEN written.stopped_at END AS stopped_at,
       written.started_at AS raw_started_at, written.stopped_at AS raw_stopped_at:others
  FROM written_step AS written;
