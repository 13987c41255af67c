-- What:  settles what a session must not inherit from the role, the database or the server.
-- For:   every connection that halfbuilt opens, before its first snapshot.
-- Why:   jit.sql says what is compiled when; a policy that hides rows from this role must be an error, not a smaller database that looks clean; a lock that
--        nobody gives back must not be waited for without end; times are shown in UTC; a temporary table can never stand in front of a real one; a session that was
--        forgotten holds no snapshot for ever. The schemas named by the role or by PGOPTIONS stay as they are.
SELECT set_config('TimeZone', 'UTC', false),
       set_config('row_security', 'off', false),
       set_config('jit', 'off', false),
       set_config('lock_timeout', '60s', false),
       set_config('DateStyle', 'ISO, YMD', false),
       set_config('IntervalStyle', 'postgres', false),
       set_config('bytea_output', 'hex', false),
       set_config('idle_in_transaction_session_timeout', '10min', false),
       set_config('search_path', concat_ws(', ', 'pg_catalog', nullif(current_setting('search_path'), ''), 'pg_temp'), false);
