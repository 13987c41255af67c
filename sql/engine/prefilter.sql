-- The sums that find the builds worth a closer look.
-- A part begins with its name. The program runs it alone, or as a piece of a longer statement (`halfbuilt rules --composed` prints these).
-- `:name` stands for a piece of SQL that the program fills in, as psql does: psql -v name=...

-- part: checksum_terms
-- What:  for each piece of output and each step a term of a checksum that is 0 for a whole build.
-- For:   the relation checksum_term; the parts `buckets` and `suspects` add it up.
-- Why:   to sort twenty million pieces is expensive, to add them up is cheap. A piece adds h(first) - h(next), and a step with output adds
--        h(size) - h(0), where h is a hash of the build, the step and the place. Where pieces join up from 0 to the size, all of it cancels
--        out. Conversely: if it does, then every place but 0 and the size is left as often as it is reached, so a chain of pieces leads from
--        0 to the size, and there is no hole. A gap that a doubled piece elsewhere makes up for leaves other places, or the same ones of
--        another step, so it does not cancel out.
--        That holds but for a collision of hashes, one in 2^40 damaged builds. The rules themselves look into whatever does not cancel out,
--        so nothing is reported because of a hash.
--
--        hashint8extended folds its argument to 32 bits (and leaves the seed at 64): what does not fit would collide with something else for
--        certain. So places beyond 2^32 never count as whole, and :chunk_seed and :step_seed are NULL for the numbers of steps that do not
--        fit. An open step is not whole either, nor output that never ended or has no size, nor a piece that is empty or has no key. They add
--        a constant, 2^20: sums of double precision are exact up to 2^53, and lose the lowest bits of what is added beyond.
--
--        :chunk_key and :step_key are the build's key as a bigint, :chunk_seed and :step_seed a hash of the build's and the step's key.
--        In psql, for integers: -v chunk_key=chunk.build_key -v chunk_seed='hashint8extended(chunk.step_id, chunk.build_key)' ...
SELECT chunk.build_key, hashint8extended(:chunk_key, 0) AS place,
       coalesce(CASE WHEN chunk.first >= 0 AND chunk.first < chunk.next AND chunk.next <= 4294967295
                     THEN ((hashint8extended(chunk.first, :chunk_seed) >> 24) - (hashint8extended(chunk.next, :chunk_seed) >> 24))::float8
                END, 1048576) AS term,
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

-- part: buckets
-- What:  the buckets of builds that are not whole, and by how much: 65536 buckets, and a build's place puts it into one of them. Also how many
--        pieces of output have a time that is not on record: a bucket with such pieces comes too, with a difference of 0. A row with a key and
--        no place is `unplaced`, and a sum may be NULL: then nothing is known of any build, and all are looked at.
-- For:   the prefilter, in one pass over steps and output.
-- Why:   to add up by build takes memory for every build; buckets take 8 MB, however many builds there are. Where the buckets found hold too many
--        builds, another pass looks into them by other bits of the place: in psql, -v shift=0 -v within=true, then -v shift=16
--        -v within='checksum_term.place & 65535 IN (1, 2)'.
SELECT checksum_term.place >> :shift & 65535 AS bucket, sum(checksum_term.term) AS difference, sum(checksum_term.off_record) AS off_record,
       bool_or(checksum_term.build_key IS NOT NULL) FILTER (WHERE checksum_term.place IS NULL) AS unplaced
  FROM checksum_term
 WHERE :within
 GROUP BY 1
HAVING sum(checksum_term.term) IS DISTINCT FROM 0 OR sum(checksum_term.off_record) > 0;

-- part: candidates
-- What:  the keys of the builds in the buckets that were found, :most of them at most.
-- For:   the prefilter, which then adds up these builds one by one.
-- Why:   a bucket is one of 65536 by the build's place. In psql: -v build_key=build.build_key -v within='placed.place & 65535 IN (1, 2)'
--        -v most=10
SELECT placed.build_key::text
  FROM (SELECT build.build_key, hashint8extended(:build_key, 0) AS place FROM build) AS placed
 WHERE :within
 LIMIT :most;

-- part: suspects
-- What:  the keys of the builds that are not whole, of those among certain keys, and by how much.
-- For:   the prefilter.
-- Why:   a bucket holds sound builds too; the rules look only at the builds that are left here. In psql: -v among='IN (1, 2)'
SELECT checksum_term.build_key::text, sum(checksum_term.term) AS difference
  FROM checksum_term
 WHERE checksum_term.build_key :among
 GROUP BY checksum_term.build_key
HAVING sum(checksum_term.term) IS DISTINCT FROM 0;

-- part: rows_of_suspects
-- What:  a relation, of the suspect builds only.
-- For:   the rules that never fire on a whole build (their header says `prefilter: whole`).
-- Why:   with few suspects, an index finds their rows, and all these rules share what is read once here. In psql:
--        -v relation=step -v among='IN (1, 2)'
SELECT narrowed.* FROM :relation AS narrowed WHERE narrowed.build_key :among;

-- part: only_suspects
-- What:  the rows of the suspect builds, under the relation's own name.
-- For:   the same rules.
-- Why:   a rule is written over all builds and stays as it is. In psql: -v rows=suspect_step
SELECT narrowed.* FROM :rows AS narrowed;

-- part: hash_of_integer
-- What:  a hash of an integer, :value, with a hash or a key as its :seed.
-- For:   the places of builds and the seeds of checksum_terms, where keys are integers.
-- Why:   keys of any type become numbers, so that they can be added up.
hashint8extended(:value::bigint, :seed)

-- part: hash_of_uuid
-- What:  a hash of a uuid, :value, with a :seed.
-- For:   the same, where keys are uuids.
-- Why:   as for hash_of_integer.
uuid_hash_extended(:value, :seed)

-- part: hash_of_text
-- What:  a hash of a text, :value, with a :seed.
-- For:   the same, where keys are texts.
-- Why:   as for hash_of_integer. Types whose equal values may be written in several ways (numeric, citext, char(n) ...) have no hash here.
hashtextextended(:value::text, :seed)

-- part: hash_if_it_fits
-- What:  the :hash of a bigint, :value, or NULL where it does not fit into 32 bits.
-- For:   the numbers of steps.
-- Why:   a bigint is folded to 32 bits before it is hashed, and would then pass for another.
CASE WHEN :value BETWEEN 0 AND 4294967295 THEN :hash END

-- part: packed_key
-- What:  the key of a build (:number) and that of a step (:id), both integers, as one number; their :hash where they do not fit.
-- For:   the part `step_keys` of scope.sql.
-- Why:   the steps of a build often stand together in their table: in the order of their keys they are nearly sorted, which hashes are not.
CASE WHEN :number BETWEEN 0 AND 2147483647 AND :id BETWEEN 0 AND 4294967295 THEN (:number::bigint << 32) | :id::bigint ELSE :hash END

-- part: among_array
-- What:  the condition that a value is among those of a :list.
-- For:   servers of version 14 and later.
-- Why:   an index is used for it, and a hash where there is none.
= ANY (:list)

-- part: among_rows
-- What:  the same condition for older servers.
-- For:   servers before version 14.
-- Why:   they would search the whole array for every row; rows they join by a hash.
IN (SELECT unnest(:list))

-- part: in_bucket
-- What:  the condition that a :place is in one of the buckets of one level, by the bits from :shift on.
-- For:   the parts `buckets` and `candidates`.
-- Why:   each further level divides the buckets that were found. :among is one of the two parts above.
:place >> :shift & 65535 :among
