-- What:  the builds that a comparison with a manifest has found, as if a rule had found them: :projects names projects, :places
--        holds for each build the place of its project, :numbers its number, :evidence what is to be said of it.
-- For:   verify --baseline: baseline-changed and baseline-extra are told in the report beside the rules that fired on the same build.
-- Why:   the report is one statement, which joins the reasons of a build and sorts. In psql: -v projects="'{acme/api}'::text[]" ...
SELECT build.build_key, given.evidence
  FROM unnest(:places, :numbers, :evidence) AS given (place, number, evidence)
  JOIN build ON build.project = (:projects)[given.place] AND build.build_num = given.number;
