-- What:  says who holds the lock of a deletion ($1, in one word for pg_stat_activity), and lets its transaction last.
-- For:   the connection that takes the lock, before lock.sql.
-- Why:   the lock is the transaction's, and the transaction waits while builds are deleted: no limit for idle sessions may end it. Not every
--        server knows each of these limits.
SELECT set_config('application_name', $1, true)
UNION ALL
SELECT set_config(name, '0', true) FROM pg_settings
 WHERE name IN ('idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout', 'statement_timeout');
