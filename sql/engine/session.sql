-- What:  settles what a transaction must not inherit from the role, the database, the server or whoever used the connection before.
-- For:   every transaction that halfbuilt begins, before any other statement of it.
-- Why:   no name is resolved by luck: functions and operators are those of pg_catalog, whoever has made others of that name elsewhere,
--        and a temporary table can never stand in front of a real one. It is all local to the transaction: a pooler may give the next
--        one to another session. No statement here looks up a function or an operator.
--        A policy that hides rows from this role must be an error, not a smaller database that looks clean; a lock that nobody gives
--        back must not be waited for without end; times are shown in UTC, and fractions to their last digit; what is compared with
--        NULL is not NULL by setting; a session that was forgotten holds no snapshot for ever. jit.sql says what is compiled when.
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL role TO DEFAULT;
SET LOCAL row_security = off;
SET LOCAL transform_null_equals = off;
SET LOCAL array_nulls = on;
SET LOCAL standard_conforming_strings = on;
SET LOCAL client_encoding = 'UTF8';
SET LOCAL TimeZone = 'UTC';
SET LOCAL DateStyle = 'ISO, YMD';
SET LOCAL IntervalStyle = 'postgres';
SET LOCAL bytea_output = 'hex';
SET LOCAL extra_float_digits = 1;
SET LOCAL jit = off;
SET LOCAL lock_timeout = '60s';
SET LOCAL idle_in_transaction_session_timeout = '10min';
