-- rule: orphan-output
-- title: stored output whose build does not exist
-- needs: build, chunk
-- deletable: never
-- prefilter: parents
--
-- What:  pieces of output whose build does not exist, one finding for each missing build.
-- For:   scan and verify. There is no build to delete.
-- Why:   the build was deleted in the middle of the backup, or its table was restored from another moment.
-- Not:   output of a build that exists, even where its step does not.
SELECT chunk.build_key,
       coalesce('build ' || chunk.build_key || ' is not there; ', 'no build is named; ')
         || CASE count(*) WHEN 1 THEN '1 piece of output of it hangs' ELSE count(*) || ' pieces of output of it hang' END
         || ' in the air' AS evidence
  FROM chunk
 WHERE NOT EXISTS (SELECT FROM build WHERE build.build_key = chunk.build_key)
 GROUP BY chunk.build_key;
