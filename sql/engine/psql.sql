-- The frame of the scripts that `halfbuilt rules --composed` prints, so that psql runs them as they stand.
-- A part begins with its name. `:name` is a variable of psql, but for those that the program fills in: each part names its own.

-- part: begin
-- What:  the variables of the script, and a transaction that only reads, as the program begins one.
-- For:   the head of each script.
-- Why:   psql -v backup_time=... -v restored_at=... sets them; a variable without a value has the default of the program. Filled in:
--        :default_schema, :default_clock_tolerance, :default_max_run_time, :default_max_queue_time, :default_unit
\set ON_ERROR_STOP on
\if :{?schema} \else \set schema :default_schema \endif
\if :{?backup_time} \else \set backup_time '' \endif
\if :{?restored_at} \else \set restored_at '' \endif
\if :{?clock_tolerance} \else \set clock_tolerance :default_clock_tolerance \endif
\if :{?max_run_time} \else \set max_run_time :default_max_run_time \endif
\if :{?max_queue_time} \else \set max_queue_time :default_max_queue_time \endif
\if :{?base_url} \else \set base_url '' \endif
\set unit :default_unit
\set closing_from ''
\set habits ''
\set step_habits ''
\set has_steps ''
\set steps_lost ''
\set steps_kept_since ''
\set output_lost ''
\set output_kept_since ''
\set new_row_version ''
START TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;

-- part: settings
-- What:  the names and values of the settings, as variables.
-- For:   the part `settings` of session.sql, which follows.
-- Why:   that statement has them as two lists. R counts as T where it is not given.
\set names '{backup_time,restored_at,closing_from,clock_tolerance,max_run_time,max_queue_time,base_url,unit,habits,step_habits,has_steps,steps_lost,steps_kept_since,output_lost,output_kept_since,new_row_version}'
SELECT ARRAY[:'backup_time', coalesce(nullif(:'restored_at', ''), :'backup_time'), :'closing_from', :'clock_tolerance', :'max_run_time',
             :'max_queue_time', :'base_url', :'unit', :'habits', :'step_habits', :'has_steps', :'steps_lost', :'steps_kept_since',
             :'output_lost', :'output_kept_since', :'new_row_version']::text AS values, :'backup_time' <> '' AS has_backup_time
\gset

-- part: times
-- What:  four times in microseconds since 1970: T + tolerance, R - tolerance, the beginning of the last 15 minutes before R, and R.
-- For:   the part `premise` of premise.sql.
-- Why:   the program works them out itself.
SELECT ARRAY[round(extract(epoch FROM t.after) * 1000000), round(extract(epoch FROM t.r - :'clock_tolerance'::interval) * 1000000),
             round(extract(epoch FROM greatest(t.r - interval '15 minutes', t.after)) * 1000000),
             round(extract(epoch FROM t.r) * 1000000)]::bigint[]::text AS times
  FROM (SELECT :'backup_time'::timestamptz + :'clock_tolerance'::interval AS after,
               coalesce(nullif(:'restored_at', ''), :'backup_time')::timestamptz AS r) AS t
\gset

-- part: closing_from
-- What:  from when on a stop may be the restored server's own: a setting of the rules.
-- For:   the part `settings`, once the premise is known.
-- Why:   the program works it out itself: its clock may be behind, and a server closes builds before it says that it is up.
SELECT CASE WHEN :'restored_at' = '' THEN t.after
            ELSE greatest(least(:'closing_from'::timestamptz, nullif(:'restored_at', '')::timestamptz - :'clock_tolerance'::interval), t.after)
       END AS closing_from
  FROM (SELECT :'backup_time'::timestamptz + :'clock_tolerance'::interval AS after) AS t
\gset

-- part: has_both_times
-- What:  whether T and R are both given.
-- For:   the versions of rows, which tell nothing without them.
-- Why:   the program may also find R by the server's own record; a script does not.
SELECT :'backup_time' <> '' AND :'restored_at' <> '' AS has_both_times
\gset

-- part: version_times
-- What:  T + tolerance and R + tolerance in microseconds since 1970.
-- For:   the part `row_versions` of versions.sql.
-- Why:   the program works them out itself.
SELECT ARRAY[round(extract(epoch FROM :'backup_time'::timestamptz + :'clock_tolerance'::interval) * 1000000),
             round(extract(epoch FROM :'restored_at'::timestamptz + :'clock_tolerance'::interval) * 1000000)]::bigint[]::text AS version_times
\gset

-- part: new_row_version
-- What:  the first version of a row that was written after the restore, where old and new can be told apart: a setting of the rules.
-- For:   the part `settings`, once the versions are known.
-- Why:   the program decides that itself, and says why they are not used. Filled in: :asked, the statement of the part `row_versions`.
SELECT coalesce(max(CASE WHEN seen.next < 2147483648 AND seen.middle_before < seen.first_after AND seen.over_again <= seen.older
                         THEN seen.first_after END)::text, '') AS new_row_version
  FROM (
:asked
       ) AS seen
\gset

-- part: keys
-- What:  the keys that a statement gives, as one variable.
-- For:   statements whose rows are a parameter of a later one.
-- Why:   the program reads the rows and sends them back. Filled in: :asked, the statement, and :variable.
SELECT coalesce(array_agg(found.build_key), '{}')::text AS :variable FROM (
:asked
) AS found
\gset

-- part: buckets
-- What:  the buckets that do not add up, as the variable `buckets`.
-- For:   the part `candidates` of prefilter.sql.
-- Why:   the same. A bucket without a number belongs to no build. Filled in: :asked, the statement.
SELECT coalesce(array_agg(found.bucket), '{}')::text AS buckets FROM (
:asked
) AS found
 WHERE found.bucket IS NOT NULL AND found.difference <> 0
\gset
