-- What:  one row for each build: its project and number, how it fares, whether it was over by then, and a digest of all that is
--        compared: lifecycle, status, times, how many steps, how much output.
-- For:   manifest, and verify --baseline, which compares two of them.
-- Why:   one pass over builds, steps and output; the program adds the digests up. $1 holds two times: by the first a build must have
--        stopped to be covered, the second is T.
--
--        A digest is a chain of hashes of 64 bits, so one that differs is taken for the same by a chance of 1 in 2^64; and so is
--        a sum of digests, which is the same whatever the order of the rows. hashint8extended folds its argument to 32 bits, hence
--        the number of the build is a seed, and a time is hashed as double precision, which tells the microseconds of our age apart.
--        NULL must not pass for anything else: no time is not-a-number, and a text has a sign before it.
--        The lengths of pieces are added up in double precision, which takes half the room of any other sum and is exact up to 2^53;
--        no piece counts for more than 2^40, so that no sum of them leaves that, whatever nonsense the table holds.
--
--        was_there: whether it had been asked for by the first time; what comes later may not have been committed yet.
--
--        The states: 0 it stopped by the first time; 1 it never ran and never stopped, and was queued by then; 2 it stopped later,
--        but by T; 3 it is over, and nothing tells since when; 4 anything else: it ran or waited at T, or came later.
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
), told AS (
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
SELECT told.project, told.number, told.lifecycle, told.status, told.state, told.was_there,
       hashint8extended(told.steps,
         hash_numeric_extended(told.amount::numeric,
           hashfloat8extended(coalesce(date_part('epoch', told.raw_stopped_at), 'NaN'),
             hashfloat8extended(coalesce(date_part('epoch', told.raw_started_at), 'NaN'),
               hashfloat8extended(coalesce(date_part('epoch', told.raw_queued_at), 'NaN'),
                 hashtextextended(coalesce('=' || told.status, '') COLLATE "C",
                   hashtextextended(coalesce('=' || told.lifecycle, '') COLLATE "C", coalesce(told.number, 0)))))))) AS digest,
       told.steps,
       told.amount AS stored,
       CASE WHEN told.state <= 1 THEN floor(date_part('epoch', coalesce(told.stopped_at, told.queued_at)))::bigint END AS over_at
  FROM told;
