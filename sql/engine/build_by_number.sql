-- What:  the builds of certain projects with certain numbers: $1 holds the projects in lower case, $2 the numbers.
-- For:   delete, for builds whose address is not found.
-- Why:   a build that is there under another address, or whose names are spelled otherwise, is not gone. Who reads it keeps
--        only the pairs that were asked for.
SELECT every_build.*
  FROM every_build
 WHERE every_build.build_num = ANY ($2::bigint[])
   AND lower(every_build.project) = ANY ($1::text[]);
