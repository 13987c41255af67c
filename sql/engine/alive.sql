-- What is asked about lists of what is alive.
-- A part begins with its name. The program puts the relations of the profile before it.

-- part: listed
-- What:  the builds that names on a list may mean: $1 keys and addresses, in lower case and without a slash at the end, $2 numbers.
-- For:   --alive, which says how many builds of the database a list names, and warns where it names none.
-- Why:   a list of another CI protects nothing. A number alone means builds of many projects: the program counts those that a name means. The
--        arrays are hashed once, so that every build is looked at only once.
SELECT build.build_key::text AS build_key, build.build_url, build.project, build.build_num::bigint AS build_num
  FROM build
 WHERE build.build_num IN (SELECT named.number FROM unnest($2::bigint[]) AS named (number))
    OR lower(build.build_key::text COLLATE "C") IN (SELECT named.text FROM unnest($1::text[]) AS named (text))
    OR lower(rtrim(build.build_url, '/') COLLATE "C") IN (SELECT named.text FROM unnest($1::text[]) AS named (text));
