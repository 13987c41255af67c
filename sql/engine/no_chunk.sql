-- What:  stands in for the relation chunk where a profile has none.
-- For:   the report, which adds up what is stored.
-- Why:   a relation that is left out has no rows; that it was not checked is said elsewhere.
SELECT build.build_key, NULL::text AS step_key, NULL::bigint AS first, NULL::bigint AS next,
       NULL::timestamptz AS stored_at, NULL::timestamptz AS raw_stored_at
  FROM build
 WHERE false;
