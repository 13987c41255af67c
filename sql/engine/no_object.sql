-- What:  stands in for the relation object where a profile has none.
-- For:   rules that an operator adds.
-- Why:   a relation that is left out has no rows; that it was not checked is said elsewhere.
SELECT build.build_key, NULL::text AS step_key, NULL::text AS kind, NULL::text AS key, NULL::bigint AS size
  FROM build
 WHERE false;
