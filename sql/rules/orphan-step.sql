-- rule: orphan-step
-- title: steps whose build does not exist
-- needs: build, step
-- deletable: never
-- prefilter: parents
--
-- What:  steps whose build does not exist, one finding for each missing build.
-- For:   scan and verify. There is no build to delete.
-- Why:   the build was deleted in the middle of the backup, or its table was restored from another moment.
-- Not:   steps of a build that exists, however damaged.
SELECT step.build_key,
       coalesce('build ' || step.build_key || ' is not there; ', 'no build is named; ')
         || CASE count(*) WHEN 1 THEN '1 step of it hangs' ELSE count(*) || ' steps of it hang' END || ' in the air' AS evidence
  FROM step
 WHERE NOT EXISTS (SELECT FROM build WHERE build.build_key = step.build_key)
 GROUP BY step.build_key;
