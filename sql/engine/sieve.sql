-- What:  the buckets of builds that are not whole, and by how much: 65536 buckets, a build is in one by its key.
-- For:   the sieve, in one pass over steps and output.
-- Why:   to add up by build takes a place in memory for every build; buckets take 8 MB, however many builds there are.
SELECT share.bucket, sum(share.share) AS difference
  FROM share
 GROUP BY share.bucket
HAVING sum(share.share) <> 0;
