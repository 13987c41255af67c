-- What:  stands in for the relation step where a profile has none.
-- For:   the report, which counts steps.
-- Why:   a relation that is left out has no rows; that it was not checked is said elsewhere.
SELECT build.build_key, NULL::text AS step_key, NULL::text AS name, NULL::timestamptz AS started_at,
       NULL::timestamptz AS stopped_at, NULL::boolean AS has_output, NULL::bigint AS output_size,
       NULL::boolean AS output_closed, NULL::timestamptz AS raw_started_at, NULL::timestamptz AS raw_stopped_at
  FROM build
 WHERE false;
