-- The versions of builds' rows: what was written after the restore, told without a clock.
-- A part begins with its name. The program runs it alone, or as a piece of a longer statement (`halfbuilt rules --composed` prints these).
-- `:name` stands for a piece of SQL that the program fills in, as psql does: psql -v name=...
-- `$1` and the like are parameters; psql has \bind for them.

-- part: no_version
-- What:  stands in for the version of a row where none can be read.
-- For:   a profile's relation build, in the place of its own :row_version; rules that do not look at versions.
-- Why:   a view has no such column, and a role may lack the right to it: the rest of the profile works all the same.
NULL::xid

-- part: foreign_parts
-- What:  the foreign tables among the partitions and children of some tables ($1 schemas, $2 names), at any depth, and these tables themselves.
-- For:   scan, verify, delete and times, before versions are used.
-- Why:   the rows of a foreign table have no version of this database, and some wrappers end the statement that asks for it.
WITH RECURSIVE part (oid) AS (
  SELECT found.oid
    FROM unnest($1::text[], $2::text[]) AS wanted (schema, name)
    JOIN pg_namespace AS schema ON schema.nspname::text = wanted.schema
    JOIN pg_class AS found ON found.relnamespace = schema.oid AND found.relname::text = wanted.name
   UNION
  SELECT child.inhrelid FROM part JOIN pg_inherits AS child ON child.inhparent = part.oid
)
SELECT found.relname::text AS name
  FROM part
  JOIN pg_class AS found ON found.oid = part.oid
 WHERE found.relkind = 'f'
 ORDER BY found.relname COLLATE "C"
 LIMIT 1;

-- part: can_be_read
-- What:  the version of one row, and the number of the next transaction; or an error.
-- For:   scan, verify, delete and times, once, before versions are used.
-- Why:   a view, a column that the role may not read, a function that it may not call, or an expression of another type gives an error of
--        its own.
SELECT nullif(build.row_version, '0'::xid)::text AS version, age(build.row_version) AS age,
       txid_snapshot_xmax(txid_current_snapshot()) AS next
  FROM build
 LIMIT 1;

-- part: row_versions
-- What:  what the versions of builds' rows say of the restore. Each is the number of the transaction that wrote the row last; later
--        transactions have higher numbers. $1 holds T + tolerance and R + tolerance in microseconds since 1970.
--        next is the number of the transaction that comes next. first_after is the least version but one of the builds that started or stopped
--        after R and did nothing before. middle_before is the middle version of the :last builds that stopped last by T, least_before
--        the least one, last_before how many they are, versions_before how many versions they have.
--        older is how many builds have a version before first_after; written_again, how many have that or a later one, though all their times
--        are by T; over_again, how many of these have stopped. contradicting is how many builds have a time after R and a version before
--        least_before, last_contradicting the last such time.
-- For:   scan, verify, delete and times, once T and R are known.
-- Why:   times come from the CI's clocks, versions from the database alone. A row that was written after the restore, and whose times say
--        otherwise, was touched by housekeeping, or by what is alive; a row with times after R that is older than all of the last builds before T
--        shows that T, R or a clock is wrong. One build may have a clock that is ahead: so the second of those after R counts. Versions below 3 are the server's own. age() counts back from the
--        next transaction, the same throughout a transaction; to compare ages is cheaper than to compare numbers.
WITH timed AS NOT MATERIALIZED (
    SELECT age(build.row_version) AS age, build.queued_at, build.started_at, build.stopped_at,
           greatest(build.queued_at, build.started_at, build.stopped_at) AS last
      FROM build
     WHERE age(build.row_version) < 2147483647
), moment AS MATERIALIZED (
    SELECT to_timestamp(($1::bigint[])[1] / 1e6) AS backup, to_timestamp(($1::bigint[])[2] / 1e6) AS restored
), latest AS MATERIALIZED (
    SELECT timed.age
      FROM timed
     WHERE timed.stopped_at IS NOT NULL AND timed.last <= (SELECT moment.backup FROM moment)
     ORDER BY timed.last DESC, timed.age DESC
     LIMIT :last
), old AS MATERIALIZED (
    SELECT count(*) AS last_before, count(DISTINCT latest.age) AS versions_before, max(latest.age) AS oldest,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY latest.age) AS middle
      FROM latest
), new AS MATERIALIZED (
    SELECT min(first.age) AS age
      FROM (SELECT timed.age
              FROM timed
             WHERE (timed.started_at > (SELECT moment.restored FROM moment) OR timed.stopped_at > (SELECT moment.restored FROM moment))
               AND least(timed.queued_at, timed.started_at, timed.stopped_at) > (SELECT moment.restored FROM moment)
             ORDER BY timed.age DESC
             LIMIT 2) AS first
    HAVING count(*) = 2
), counted AS (
    SELECT count(*) FILTER (WHERE timed.age > (SELECT new.age FROM new)) AS older,
           count(*) FILTER (WHERE timed.age <= (SELECT new.age FROM new) AND timed.last <= (SELECT moment.backup FROM moment)) AS written_again,
           count(*) FILTER (WHERE timed.age <= (SELECT new.age FROM new) AND timed.last <= (SELECT moment.backup FROM moment)
                              AND timed.stopped_at IS NOT NULL) AS over_again,
           count(*) FILTER (WHERE timed.age > (SELECT old.oldest FROM old) AND timed.last > (SELECT moment.restored FROM moment)) AS contradicting,
           max(timed.last) FILTER (WHERE timed.age > (SELECT old.oldest FROM old) AND timed.last > (SELECT moment.restored FROM moment))
             AS last_contradicting
      FROM timed
), latest_number AS (
    SELECT age('3'::xid)::bigint + 3 AS of_age_0
)
SELECT txid_snapshot_xmax(txid_current_snapshot()) AS next,
       latest_number.of_age_0 - (SELECT new.age FROM new) AS first_after,
       latest_number.of_age_0 - old.oldest AS least_before, latest_number.of_age_0 - old.middle AS middle_before,
       old.last_before, old.versions_before, counted.older, counted.written_again, counted.over_again,
       counted.contradicting, counted.last_contradicting
  FROM counted
 CROSS JOIN old
 CROSS JOIN latest_number;
