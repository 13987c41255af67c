-- What:  settles what a session must not inherit from the role, the database or the server.
-- For:   every connection that halfbuilt opens, before its first snapshot.
-- Why:   (pg_catalog is named, since whose functions stand in the schemas of PGOPTIONS nobody knows yet)
--        jit.sql says what is compiled when; a policy that hides rows from this role must be an error, not a smaller database that looks clean; a lock that
--        nobody gives back must not be waited for without end; times are shown in UTC, and fractions to their last digit; a temporary table can never stand in front of a real one; a session that was
--        forgotten holds no snapshot for ever. The schemas named by the role or by PGOPTIONS stay as they are.
SELECT pg_catalog.set_config('TimeZone', 'UTC', false),
       pg_catalog.set_config('row_security', 'off', false),
       pg_catalog.set_config('jit', 'off', false),
       pg_catalog.set_config('lock_timeout', '60s', false),
       pg_catalog.set_config('DateStyle', 'ISO, YMD', false),
       pg_catalog.set_config('IntervalStyle', 'postgres', false),
       pg_catalog.set_config('bytea_output', 'hex', false),
       pg_catalog.set_config('extra_float_digits', '1', false),
       pg_catalog.set_config('idle_in_transaction_session_timeout', '10min', false),
       pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ', 'pg_catalog', nullif(pg_catalog.current_setting('search_path'), ''), 'pg_temp'), false);
