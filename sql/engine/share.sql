-- What:  for each piece of output and each step its share in a sum that is 0 for a build that is whole.
-- For:   the relation share; sieve.sql and suspect.sql add it up.
-- Why:   to sort twenty million pieces is dear, to add them up is cheap. A piece adds h(first) - h(next), and a step with
--        output adds h(size) - h(0), h being a hash of the build, the step and the place. Where pieces join up from 0 to
--        the size, all of it cancels out. The other way round: if it does, then every place but 0 and the size is left as
--        often as it is reached, so a chain of pieces leads from 0 to the size, and there is no hole. A gap that is made
--        up by a doubled piece elsewhere leaves other places, or the same ones of another step, so it does not cancel out.
--        That holds but for a collision of hashes, one in 2^40 damaged builds; whatever does not cancel out is looked into
--        by the rules themselves, so nothing is reported because of a hash.
--
--        hashint8extended folds its argument to 32 bits (and leaves the seed at 64): what does not fit would collide with
--        something else for certain. So places beyond 2^32 never count as whole, and key.rs sees to it that the numbers
--        of steps fit. Nor are whole: an open step, output that never ended or has no size, a piece that is empty or has
--        no key. They add a constant, 2^20: sums of double precision are exact up to 2^53, and lose the lowest bits of what
--        is added beyond.
--
-- psql's own variables name what differs: chunk_key and step_key are the build's key as a bigint, chunk_seed and step_seed
-- a hash of the build's and the step's. For integers:
--     -v chunk_key=chunk.build_key -v chunk_seed='hashint8extended(chunk.step_id, chunk.build_key)'
SELECT chunk.build_key, hashint8extended(:chunk_key, 0) AS place,
       coalesce(CASE WHEN chunk.first >= 0 AND chunk.first < chunk.next AND chunk.next <= 4294967295
                     THEN ((hashint8extended(chunk.first, :chunk_seed) >> 24) - (hashint8extended(chunk.next, :chunk_seed) >> 24))::float8
                END, 1048576) AS share,
       -- How many times are not on record: they are counted in the same pass.
       (chunk.stored_at IS NULL AND chunk.raw_stored_at IS NOT NULL)::int AS off_record
  FROM chunk
UNION ALL
SELECT step.build_key, hashint8extended(:step_key, 0),
       CASE WHEN step.started_at IS NOT NULL AND step.stopped_at IS NULL OR step.output_closed IS FALSE THEN 1048576
            WHEN step.has_output
            THEN coalesce(CASE WHEN step.output_size BETWEEN 0 AND 4294967295
                               THEN ((hashint8extended(step.output_size, :step_seed) >> 24)
                                     - (hashint8extended(0, :step_seed) >> 24))::float8
                          END, 1048576)
            ELSE 0
       END,
       0
  FROM step;
