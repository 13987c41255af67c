-- What:  the keys of the builds in some buckets, :most of them at most.
-- For:   the sieve.
-- Why:   only these are added up one by one. In psql: -v buckets='ARRAY[1, 2]' -v most=10 -v build_key=build.build_key
SELECT build.build_key::text FROM build WHERE :build_key & 65535 = ANY (:buckets) LIMIT :most;
