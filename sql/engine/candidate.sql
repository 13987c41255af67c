-- What:  the keys of the builds in the buckets that were found, :most of them at most.
-- For:   the sieve.
-- Why:   only these are added up one by one. In psql: -v build_key=build.build_key -v within='placed.place & 65535 IN (1, 2)'
--        -v most=10
SELECT placed.build_key::text
  FROM (SELECT build.build_key, hashint8extended(:build_key, 0) AS place FROM build) AS placed
 WHERE :within
 LIMIT :most;
