-- What:  the builds that certain addresses may mean: $1 holds the addresses, $2 the numbers in them, $3 the projects in them,
--        in lower case.
-- For:   delete, which reads each build again just before and just after its deletion.
-- Why:   an address is often put together by the profile, so no index finds it; a number is a column. A build that is there
--        under another address, or whose names are spelled otherwise, is not gone, and the server would take it for the one
--        that is meant. Who reads this keeps only what was asked for.
SELECT every_build.*
  FROM every_build
 WHERE every_build.build_num = ANY ($2::bigint[])
   AND (every_build.build_url = ANY ($1::text[]) OR lower(every_build.project) = ANY ($3::text[]));
