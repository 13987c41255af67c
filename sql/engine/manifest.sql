-- What a manifest holds of a database, and what a drill compares with it.
-- A part begins with its name. The program runs it alone, or as a piece of a longer statement (`halfbuilt rules --composed` prints these).
-- `$1` and the like are parameters; psql has \bind for them.

-- part: clock
-- What:  until when this database has everything, whether it is a standby, and the digest of a build that nobody ever had.
-- For:   manifest, whose default T it is; and verify --baseline, which sees by the digest that both servers hash alike.
-- Why:   a standby knows nothing of what its primary wrote since; the last commit that it replayed is its present. NULL where it has replayed
--        nothing. A release or a processor may change hash functions: then digests cannot be compared, and the program must say so.
SELECT CASE WHEN pg_is_in_recovery() THEN least(now(), pg_last_xact_replay_timestamp())
            ELSE now() END AS present,
       pg_is_in_recovery() AS is_standby,
       hashint8extended(7, hash_numeric_extended(2431, hashfloat8extended(1795140000.25, hashtextextended('=finished' COLLATE "C", 42)))) AS digest;

-- part: moment
-- What:  where the server is in its own history: the first transaction id (with its epoch) of which this snapshot sees nothing, the
--        timeline of its log, and when the newest transaction that the snapshot sees was committed. NULL where that is not known.
-- For:   manifest; and times and verify --baseline, which see by it whether a database was restored from a backup before its manifest.
-- Why:   a copy of the server's disk continues with its ids, so it needs no clock: a database that was restored from a later backup is never
--        behind. To ask for the snapshot assigns no id, and any role may ask, on a standby too. Commit times are kept only where
--        track_commit_timestamp is on; a transaction that took its id long before others may be the newest and is not found among
--        the last thousand. A standby knows what it replayed last. Its timeline cannot be asked for.
WITH seen AS MATERIALIZED (
    SELECT txid_current_snapshot() AS snapshot, txid_snapshot_xmax(txid_current_snapshot()) AS next_id
)
SELECT seen.next_id AS next_transaction,
       CASE WHEN NOT pg_is_in_recovery() THEN left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END AS timeline,
       CASE WHEN pg_is_in_recovery() THEN pg_last_xact_replay_timestamp()
            WHEN current_setting('track_commit_timestamp')::boolean
            THEN (SELECT max(pg_xact_commit_timestamp((id % 4294967296)::text::xid))
                    FROM generate_series(greatest(seen.next_id - 1000, 3), seen.next_id - 1) AS id
                   WHERE id % 4294967296 >= 3 AND txid_visible_in_snapshot(id, seen.snapshot))
       END AS last_commit
  FROM seen;

-- part: newest
-- What:  the latest time on record in any build.
-- For:   manifest.
-- Why:   it says until when the CI had written by the CI's own clock. Steps and output are not read for it: that would take as long as all the rest.
SELECT max(greatest(build.queued_at, build.started_at, build.stopped_at)) AS newest FROM build;

-- part: written_between
-- What:  how many builds were written last by a transaction from the first item of $1 on and before the second, and have no time after the
--        third, in microseconds since 1970; and the latest time of them.
-- For:   times, with a manifest and the database that was restored.
-- Why:   the first is where the server was when the manifest was made, the second what the restored server wrote first: in between lies what
--        the backup holds beyond the manifest. Times near R are those of the restored server's own start-up.
SELECT count(*) AS builds, max(greatest(build.queued_at, build.started_at, build.stopped_at)) AS last
  FROM build
 WHERE build.row_version::text::bigint >= ($1::bigint[])[1] AND build.row_version::text::bigint < ($1::bigint[])[2]
   AND greatest(build.queued_at, build.started_at, build.stopped_at) < to_timestamp(($1::bigint[])[3] / 1e6);

-- part: settings
-- What:  gives the next statements of this transaction memory, and has only expensive ones compiled, whatever the server's settings say below that.
-- For:   manifest, and verify --baseline, before they count every build.
-- Why:   each of the server's processes adds up by build. Half a million builds take 20 MB; with the usual 4 MB most of them go to temporary
--        files, and all of it takes a quarter longer. Where 32 MB are not enough either, the rest goes there. Compiling takes a tenth of a
--        second in each process: with a million steps or fewer, that is more than it gains; with ten million, it saves a tenth of the work.
--        -1 is the server's word for never.
SELECT set_config('work_mem', greatest(32768, (SELECT setting::bigint FROM pg_settings WHERE name = 'work_mem')) || 'kB', true),
       set_config('jit_above_cost', CASE WHEN current_setting('jit_above_cost')::float8 < 0 THEN '-1'
                                         ELSE greatest(current_setting('jit_above_cost')::float8, 400000)::text END, true);

-- part: builds
-- What:  one row for each build: its project and number, its state, whether it was there by then, and a digest of all that is compared:
--        lifecycle, status, times, number of steps, amount of output.
-- For:   manifest, and verify --baseline, which compares two of them.
-- Why:   one pass over builds, steps and output; the program adds up the digests. $1 holds two times: by the first a build must have stopped to
--        be covered, the second is T.
--
--        A digest is a chain of hashes of 64 bits, so a different one passes for the same by a chance of 1 in 2^64; and so does a sum of
--        digests, which is the same whatever the order of the rows. hashint8extended folds its argument to 32 bits, hence the number of the
--        build is a seed, and a time is hashed as double precision, which keeps the microseconds of our age distinct.
--        NULL must not pass for anything else: a missing time is not-a-number, and a text has a sign before it.
--        The lengths of pieces are added up in double precision, which takes half the memory of any other sum and is exact up to 2^53; no
--        piece counts for more than 2^40, so no sum of them leaves that range, whatever nonsense the table holds.
--
--        was_there: whether the build had been queued, started or stopped by the first time; what comes later may not be committed yet.
--
--        The states: 0 it stopped by the first time; 1 it never ran and never stopped, and was queued by then; 2 it stopped later, but by T;
--        3 it is over, and nothing says since when; 4 anything else: it ran or waited at T, or came later.
WITH moment AS MATERIALIZED (
    SELECT ($1::text[])[1]::timestamptz AS covered, ($1::text[])[2]::timestamptz AS backup_time
), stepped AS (
    SELECT step.build_key, count(*) AS steps FROM step GROUP BY step.build_key
), stored AS (
    SELECT chunk.build_key,
           sum(greatest(least(chunk.next::float8 - chunk.first::float8, 1099511627776), -1099511627776))
             FILTER (WHERE chunk.first IS NOT NULL AND chunk.next IS NOT NULL) AS amount
      FROM chunk
     GROUP BY chunk.build_key
), build_state AS (
    SELECT build.project, build.build_num::bigint AS number, build.lifecycle, build.status,
           build.raw_queued_at, build.raw_started_at, build.raw_stopped_at, build.queued_at, build.stopped_at,
           coalesce(stepped.steps, 0) AS steps, greatest(least(coalesce(stored.amount, 0), 1e18), -1e18)::bigint AS amount,
           CASE WHEN build.stopped_at BETWEEN '2000-01-01 00:00Z' AND moment.covered THEN 0
                WHEN build.stopped_at BETWEEN '2000-01-01 00:00Z' AND moment.backup_time THEN 2
                WHEN build.stopped_at > moment.backup_time OR build.lifecycle NOT IN ('not_run', 'finished') OR build.lifecycle IS NULL
                     OR build.queued_at > moment.covered THEN 4
                WHEN build.lifecycle = 'not_run' AND build.stopped_at IS NULL AND build.started_at IS NULL
                     AND build.queued_at IS NOT NULL THEN 1
                ELSE 3
           END::bigint AS state,
           coalesce(build.queued_at, build.started_at, build.stopped_at) <= moment.covered AS was_there
      FROM build
     CROSS JOIN moment
      LEFT JOIN stepped ON stepped.build_key = build.build_key
      LEFT JOIN stored ON stored.build_key = build.build_key
)
SELECT build_state.project, build_state.number, build_state.lifecycle, build_state.status, build_state.state, build_state.was_there,
       hashint8extended(build_state.steps,
         hash_numeric_extended(build_state.amount::numeric,
           hashfloat8extended(coalesce(date_part('epoch', build_state.raw_stopped_at), 'NaN'),
             hashfloat8extended(coalesce(date_part('epoch', build_state.raw_started_at), 'NaN'),
               hashfloat8extended(coalesce(date_part('epoch', build_state.raw_queued_at), 'NaN'),
                 hashtextextended(coalesce('=' || build_state.status, '') COLLATE "C",
                   hashtextextended(coalesce('=' || build_state.lifecycle, '') COLLATE "C", coalesce(build_state.number, 0)))))))) AS digest,
       build_state.steps,
       build_state.amount AS stored,
       CASE WHEN build_state.state <= 1 THEN floor(date_part('epoch', coalesce(build_state.stopped_at, build_state.queued_at)))::bigint END AS over_at
  FROM build_state;

-- part: still_present
-- What:  the builds of a manifest that still exist, and their lifecycle: $1 names projects, and for each build $2 holds the place of its project in $1, $3 its number.
-- For:   verify --baseline, for builds that were over by T and are not over now.
-- Why:   a build that exists, and runs or waits, is not lost but changed. One read of the builds, and only if any is missing.
SELECT wanted.position, build.lifecycle, build.started_at IS NOT NULL AS has_started
  FROM unnest($2::bigint[], $3::bigint[]) WITH ORDINALITY AS wanted (place, number, position)
  JOIN build ON build.project = ($1::text[])[wanted.place] AND build.build_num = wanted.number;
