-- rule: duplicate-number
-- title: two builds share a number, or a URL
-- needs: build
-- deletable: never
-- finds: builds of one address
-- prefilter: names
--
-- What:  builds that share their number with another build of what the CI numbers together, or their address with any other build.
-- For:   scan, verify and delete, which never deletes such a build: its address also means another one.
-- Why:   an index on text that was built under other collation rules does not see that a number is taken. That happens where a
--        database is restored on a newer system.
-- Not:   one number in two projects; builds without a number or without an address; rows of one key (duplicate-key). What is numbered
--        together is the project, unless the profile says otherwise (numbered_in): one project on two version control systems is two.
WITH same_number AS (
    SELECT build.numbered_in, build.build_num, count(*) AS builds,
           CASE WHEN count(DISTINCT build.project) = 1 AND count(build.project) = count(*) THEN min(build.project)
                ELSE build.numbered_in END AS of,
           (array_agg(build.build_key::text ORDER BY build.build_key))[1:5] AS keys
      FROM build
     WHERE build.numbered_in IS NOT NULL AND build.build_num IS NOT NULL
     GROUP BY build.numbered_in, build.build_num
    HAVING count(*) > 1
       AND (count(build.build_key) < count(*) OR min(build.build_key::text COLLATE "C") <> max(build.build_key::text COLLATE "C"))
), same_address AS (
    SELECT build.build_url, count(*) AS builds,
           (array_agg(build.build_key::text ORDER BY build.build_key))[1:5] AS keys
      FROM build
     WHERE build.build_url IS NOT NULL
     GROUP BY build.build_url
    HAVING count(*) > 1
       AND (count(build.build_key) < count(*) OR min(build.build_key::text COLLATE "C") <> max(build.build_key::text COLLATE "C"))
), seen AS (
    SELECT build.build_key, 1 AS place, same_number.builds, same_number.keys,
           'builds of ' || same_number.of || ' have the number ' || build.build_num AS share
      FROM same_number
      JOIN build ON build.numbered_in = same_number.numbered_in AND build.build_num = same_number.build_num
    UNION ALL
    SELECT build.build_key, 2, same_address.builds, same_address.keys, 'builds have the address ' || build.build_url
      FROM same_address
      JOIN build ON build.build_url = same_address.build_url
)
SELECT seen.build_key,
       seen.builds || ' ' || seen.share || ' (keys ' || array_to_string(seen.keys, ', ')
         || CASE WHEN seen.builds > 5 THEN ' and ' || (seen.builds - 5) || ' more' ELSE '' END || ')' AS evidence
  FROM seen
 ORDER BY seen.build_key, seen.place;
