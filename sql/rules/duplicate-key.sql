-- rule: duplicate-key
-- title: two rows share a key
-- needs: build
-- deletable: never
--
-- What:  builds whose key is that of several rows, and builds with a step whose key is that of several rows.
-- For:   scan, verify and delete, which never deletes such a build: nobody knows which of its rows is the right one.
-- Why:   an index that was damaged, or built under other collation rules, does not see that a key is taken; and a restore that runs twice
--        stores each row twice.
-- Not:   two builds that share a number or an address: that is duplicate-number.
WITH same_build AS (
    SELECT build.build_key, count(*) AS rows FROM build GROUP BY build.build_key HAVING count(*) > 1
), same_step AS (
    SELECT step.build_key, step.step_key, min(step.name) AS name, count(*) AS rows
      FROM step
     GROUP BY step.build_key, step.step_key
    HAVING count(*) > 1
)
SELECT same_build.build_key, same_build.rows || ' rows have the key ' || coalesce(same_build.build_key::text, 'NULL') AS evidence
  FROM same_build
UNION ALL
SELECT same_step.build_key,
       'step ' || coalesce(same_step.step_key::text, '(no key)') || coalesce(' "' || same_step.name || '"', '') || ': ' || same_step.rows || ' rows have its key'
  FROM same_step
  JOIN (SELECT DISTINCT build.build_key FROM build) AS present ON present.build_key = same_step.build_key;
