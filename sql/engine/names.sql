-- What:  how many builds there are, how many names (number within project) and addresses, how many of these are
--        different, and how many builds have no key.
-- For:   the rule duplicate-number, which has nothing to look for where all names differ.
-- Why:   hashes are quicker to sort than texts. Two texts with one hash only cost a closer look.
SELECT count(*) AS builds,
       count(*) FILTER (WHERE build.project IS NOT NULL AND build.build_num IS NOT NULL) AS names,
       count(DISTINCT hashtextextended(build.project, build.build_num::bigint)) AS different_names,
       count(build.build_url) AS addresses,
       count(DISTINCT hashtextextended(build.build_url, 0)) AS different_addresses,
       count(*) FILTER (WHERE build.build_key IS NULL) AS without_key
  FROM build;
