-- What:  how many rows the relation build has, and how many different keys.
-- For:   a profile that gives a build more than once, by a join that finds several rows for it.
-- Why:   every finding would be doubled, or told of another build of that key: steps and output are found by keys alone.
SELECT count(*) AS builds, count(DISTINCT build.build_key) AS keys FROM build;
