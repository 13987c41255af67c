-- What:  the builds with certain addresses: $1 holds the addresses, $2 the build numbers that stand in them.
-- For:   delete, which reads each build again just before and just after its deletion.
-- Why:   an address is often put together by the profile, so no index finds it; a number is a column.
SELECT every_build.*
  FROM every_build
 WHERE every_build.build_num = ANY ($2::bigint[])
   AND every_build.build_url = ANY ($1::text[]);
