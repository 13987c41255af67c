-- The versions of builds' rows: what was written after the restore, told without a clock.
-- A part begins with its name. The program runs it alone, or as a piece of a longer statement (`halfbuilt rules --composed` prints these).
-- `:name` stands for a piece of SQL that the program fills in, as psql does: psql -v name=...
-- `$1` and the like are parameters; psql has \bind for them.

-- part: no_version
-- What:  stands in for the version of a row where none can be read.
-- For:   a profile's relation build, in the place of its own :row_version.
-- Why:   a view has no such column, and a role may lack the right to it: the rest of the profile works all the same.
NULL::xid

-- part: can_be_read
-- What:  the version of one row, or an error.
-- For:   scan, verify, delete and times, once, before versions are used.
-- Why:   a view, a column that the role may not read, or a foreign table gives an error of its own.
SELECT build.row_version FROM build LIMIT 1;

-- part: row_versions
-- What:  what the versions of builds' rows say of the restore. Each is the number of the transaction that wrote the row last; later
--        transactions have higher numbers. $1 holds T + tolerance and R + tolerance in microseconds since 1970.
--        next is the number of the transaction that comes next. first_after is the least version of a build all of whose times are after R;
--        middle_before the middle one of the :last builds that stopped last by T, last_before how many these are, is_one_before
--        whether they have but one version. before is how many builds there are all of whose times are by T; written_again, how many of them
--        have first_after or a later version. contradicting is how many builds have a time after R and a version before middle_before.
-- For:   scan, verify, delete and times, once T and R are known.
-- Why:   times come from the CI's clocks, versions from the database alone. A row that was written after the restore, and whose times say
--        otherwise, was touched by housekeeping, or by what is alive; a row with times after R and an old version shows that T, R or a clock
--        is wrong. The builds that stopped last before T were written last before the restore, and nothing writes most of them again: their
--        middle is as late as can be told. Versions below 3 are the server's own.
WITH timed AS NOT MATERIALIZED (
    SELECT build.row_version AS version,
           least(build.queued_at, build.started_at, build.stopped_at) AS first,
           greatest(build.queued_at, build.started_at, build.stopped_at) AS last,
           build.stopped_at IS NOT NULL AS is_over
      FROM build
     WHERE build.row_version > 2
), latest AS MATERIALIZED (
    SELECT timed.version
      FROM timed
     WHERE timed.is_over AND timed.last <= to_timestamp(($1::bigint[])[1] / 1e6)
     ORDER BY timed.last DESC, timed.version
     LIMIT :last
), old AS MATERIALIZED (
    SELECT count(*) AS last_before, min(latest.version) = max(latest.version) AS is_one_before,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY latest.version) AS middle_before
      FROM latest
), new AS MATERIALIZED (
    SELECT min(timed.version) AS first_after FROM timed WHERE timed.first > to_timestamp(($1::bigint[])[2] / 1e6)
), line AS MATERIALIZED (
    SELECT old.*, new.first_after FROM old CROSS JOIN new
)
SELECT txid_snapshot_xmax(txid_current_snapshot()) AS next,
       line.first_after, line.middle_before, line.last_before, line.is_one_before,
       count(*) FILTER (WHERE timed.last <= to_timestamp(($1::bigint[])[1] / 1e6)) AS before,
       count(*) FILTER (WHERE timed.last <= to_timestamp(($1::bigint[])[1] / 1e6) AND timed.version >= line.first_after) AS written_again,
       count(*) FILTER (WHERE timed.last > to_timestamp(($1::bigint[])[2] / 1e6) AND timed.version < line.middle_before) AS contradicting,
       max(timed.last) FILTER (WHERE timed.last > to_timestamp(($1::bigint[])[2] / 1e6) AND timed.version < line.middle_before) AS last_contradicting
  FROM line
  LEFT JOIN timed ON true
 GROUP BY line.first_after, line.middle_before, line.last_before, line.is_one_before;
