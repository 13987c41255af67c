-- What:  the rows of one table that belong to some builds, whose keys are in $1: the place of the build in $1, and the row.
-- For:   delete --archive, before it deletes these builds.
-- Why:   a row as text is what each type writes and reads again itself, exactly: no number is rounded, no array loses its
--        bounds. In psql: -v key_type=bigint
SELECT array_position($1::text[]:::key_type[], every.build_key:::key_type)::bigint AS place, every.whole::text AS whole
  FROM every
 WHERE every.build_key = ANY ($1::text[]:::key_type[]);
