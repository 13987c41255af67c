-- What:  the buckets of builds that are not whole, and by how much: 65536 buckets, a build is in one by its place. And how many pieces
--        of output were stored at a time that is not on record: a bucket that has such is told too, with a difference of 0. What has
--        a key and no place is `unplaced`, and a sum may be NULL: then nothing is known of any build, and all are looked at.
-- For:   the sieve, in one pass over steps and output.
-- Why:   to add up by build takes room in memory for every build; buckets take 8 MB, however many builds there are. Where
--        the buckets found hold too many builds, another pass looks into them by other bits of the place: in psql,
--        -v shift=0 -v within=true, then -v shift=16 -v within='share.place & 65535 IN (1, 2)'.
SELECT share.place >> :shift & 65535 AS bucket, sum(share.share) AS difference, sum(share.off_record) AS off_record,
       bool_or(share.build_key IS NOT NULL) FILTER (WHERE share.place IS NULL) AS unplaced
  FROM share
 WHERE :within
 GROUP BY 1
HAVING sum(share.share) IS DISTINCT FROM 0 OR sum(share.off_record) > 0;
