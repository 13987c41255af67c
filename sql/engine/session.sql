-- What every transaction of halfbuilt begins with.
-- A part begins with its name. The program runs it alone, or as a piece of a longer statement (`halfbuilt rules --composed` prints these).
-- `:name` stands for a piece of SQL that the program fills in, as psql does: psql -v name=...
-- `$1` and the like are parameters; psql has \bind for them.

-- part: session
-- What:  settings that a transaction must not inherit from the role, the database, the server, or whoever used the connection before.
-- For:   every transaction that halfbuilt begins, as its first statement.
-- Why:   no name is resolved by luck: functions and operators are those of pg_catalog, whoever has made others of the same name, and a
--        temporary table never hides a real one. All of it is local to the transaction: a pooler may give the next one to another session.
--        No statement here looks up a function or an operator.
--        A policy that hides rows from this role must be an error, not a smaller database that looks clean. The program must not wait
--        without end for a lock that nobody gives back. Times are in UTC, and fractions have all their digits. A comparison with NULL is NULL.
--        A forgotten session does not hold its snapshot for ever. The part `jit` says what is compiled, and when.
--        An index alone may vouch for rows that are no longer in the table, where a page was lost and is empty now: what is looked for is
--        looked for in the table, but for the sums that the part `index_only` allows.
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
SET LOCAL enable_indexonlyscan = off;
SET LOCAL lock_timeout = '60s';
SET LOCAL idle_in_transaction_session_timeout = '10min';

-- part: bytes
-- What:  has the server send and take text as the bytes that it stores.
-- For:   every transaction on a database without an encoding (SQL_ASCII), and on one that holds text which cannot be made UTF-8; after the
--        part `session`.
-- Why:   one byte that is no UTF-8 would be an error, and hide everything.
SET LOCAL client_encoding = 'SQL_ASCII';

-- part: path_of_role
-- What:  goes back to the search path that this role has when it connects.
-- For:   the part `schemas`, in a transaction of its own.
-- Why:   a session from a pool may still have the path that its last user set.
SET LOCAL search_path TO DEFAULT;

-- part: schemas
-- What:  the schemas in which a session of this role looks for a table, in order.
-- For:   a profile whose tables must be found, where --schema does not name their schema.
-- Why:   it runs while the path is the role's own, so each name has its schema, and fits exactly.
SELECT pg_catalog.current_schemas(false) AS schemas;

-- part: settings
-- What:  gives the settings, such as halfbuilt.backup_time, to the SQL of profiles and rules: $1 names, $2 values.
-- For:   every snapshot, once or more; the settings end with the transaction.
-- Why:   a setting is no template, so any profile and any rule runs in psql as it stands:
--        SET halfbuilt.backup_time = '2026-11-20T02:00:00Z';
SELECT set_config('halfbuilt.' || setting.name, setting.value, true)
  FROM unnest($1::text[], $2::text[]) AS setting (name, value);

-- part: settled
-- What:  whether the settings of the part `session` still hold in this transaction, and in which process of the server it runs.
-- For:   every snapshot: when it begins, and again before anything that it gave is used.
-- Why:   a pooler may move a transaction to another session, or run its statements one by one. Then a policy may hide rows, and a name may
--        mean another table.
SELECT pg_backend_pid()::bigint AS pid,
       current_setting('search_path') = 'pg_catalog, pg_temp'
   AND current_setting('row_security') = 'off'
   AND current_setting('TimeZone') = 'UTC'
   AND current_setting('transaction_read_only') = 'on'
   AND current_setting('transaction_isolation') = 'repeatable read' AS settled;

-- part: statement_timeout
-- What:  limits how long a statement of this transaction may run, in :milliseconds.
-- For:   --statement-timeout, and what a run can do without.
-- Why:   whoever reads a busy server may want to stop before the server suffers.
SET LOCAL statement_timeout = :milliseconds;

-- part: jit
-- What:  lets the server compile the statements of this transaction, if its own settings say so, or not: :wanted is true or false.
-- For:   the prefilter, which evaluates a few expressions for every piece of output. No other statement of a scan.
-- Why:   to compile a statement with hundreds of expressions takes longer than to run it over a few builds. Inlining the server's own
--        functions takes longer than it gains in any case.
SELECT set_config('jit', CASE WHEN :wanted THEN (SELECT reset_val FROM pg_settings WHERE name = 'jit') ELSE 'off' END, true),
       set_config('jit_inline_above_cost', '-1', true);

-- part: by_index
-- What:  has the statements of this transaction look up rows by an index wherever there is one, or not: :wanted is true or false.
-- For:   the steps and the output of single builds, where a table cannot be read as a whole.
-- Why:   one damaged page fails whatever reads it, and a plan that reads the whole table always does. An index leads past it, for all builds
--        but those that have rows on it.
SELECT set_config(name, CASE WHEN :wanted THEN 'off' ELSE (SELECT reset_val FROM pg_settings WHERE pg_settings.name = plan.name) END, true)
  FROM (VALUES ('enable_seqscan'), ('enable_hashjoin'), ('enable_mergejoin')) AS plan (name);

-- part: mark
-- What:  marks a place in the transaction.
-- For:   statements that may fail because of what they read.
-- Why:   after an error, a transaction is of no use any more, and its snapshot is lost, unless it can return to such a place. A standby
--        allows it too.
SAVEPOINT before_what_may_fail;

-- part: go_back
-- What:  returns to the place that was marked last.
-- For:   the same, after an error.
-- Why:   the snapshot is the same as before, and so are the settings.
ROLLBACK TO SAVEPOINT before_what_may_fail;

-- part: forget_mark
-- What:  forgets the place that was marked last.
-- For:   the same, where there was no error.
-- Why:   settings that were made since stay, and places do not pile up.
RELEASE SAVEPOINT before_what_may_fail;

-- part: indexes
-- What:  lets the server read the statements of this transaction from indexes, if its own settings say so, or not: :wanted is true or false.
-- For:   the counts of keys and names, which say whether any stands for two builds.
-- Why:   a damaged index, or one that was built under other collation rules, does not show what the table holds twice. Even to weigh a
--        merge of two tables, the server reads the ends of their indexes.
SELECT set_config(setting.name, CASE WHEN :wanted THEN setting.reset_val ELSE 'off' END, true)
  FROM pg_settings AS setting
 WHERE setting.name IN ('enable_indexscan', 'enable_bitmapscan', 'enable_mergejoin');

-- part: index_only
-- What:  lets the server read the next statements from an index alone, if its own settings say so, or not: :wanted is true or false.
-- For:   the sums over all output of a scan. Those of a verdict are read from the table.
-- Why:   an index with the places of pieces is much smaller than the table with the pieces, but it does not show that they are still there.
SELECT set_config('enable_indexonlyscan',
                  CASE WHEN :wanted THEN (SELECT reset_val FROM pg_settings WHERE name = 'enable_indexonlyscan') ELSE 'off' END, true);
