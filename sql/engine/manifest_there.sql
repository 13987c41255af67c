-- What:  how builds fare that a manifest has: $1 names projects, $2 holds for each build the place of its project in $1, $3 its number.
-- For:   verify --baseline, for builds that were over by T and are not any more.
-- Why:   a build that is there, and runs or waits, is not lost but changed. One read of the builds, and only if any is missing.
SELECT given.position, build.lifecycle, build.started_at IS NOT NULL AS has_started
  FROM unnest($2::bigint[], $3::bigint[]) WITH ORDINALITY AS given (place, number, position)
  JOIN build ON build.project = ($1::text[])[given.place] AND build.build_num = given.number;
