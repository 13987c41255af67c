-- What:  the relation chunk, where a value that is no time is no time. See build_on_record.sql.
-- For:   every statement.
-- Why:   when a piece was stored is a sign of life. :stored_at is NULL::timestamptz where a profile does not say it.
SELECT written.build_key, written.step_key, written.first, written.next,
       CASE WHEN :stored_at > '2000-01-01 00:00Z' AND :stored_at <= now() + interval '10 minutes' THEN :stored_at END AS stored_at,
       :stored_at AS raw_stored_at:others
  FROM written_chunk AS written;
