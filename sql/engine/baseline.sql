-- What:  the builds that a comparison with a manifest has found, as if a rule had found them: :projects names projects, :places
--        holds for each build the place of its project, :numbers its number, :evidence what is to be said of it.
-- For:   verify --baseline: baseline-changed and baseline-extra are told in the report beside the rules that fired on the same build.
-- Why:   the report is one statement, which joins the reasons of a build and sorts. In psql: -v projects="'{acme/api}'::text[]" ...
--        Where builds share a number nobody can tell which of them differs: as many are told as differ, and each as one of all.
SELECT build_key,
       CASE WHEN builds > 1 THEN 'one of the ' || builds || ' builds of this number: ' ELSE '' END || evidence AS evidence
  FROM (SELECT build.build_key, given.evidence, given.which,
               row_number() OVER (PARTITION BY given.place, given.number, given.which ORDER BY build.build_key) AS nth,
               count(*) OVER (PARTITION BY given.place, given.number, given.which) AS builds
          FROM (SELECT place, number, evidence, row_number() OVER (PARTITION BY place, number) AS which
                  FROM unnest(:places, :numbers, :evidence) AS told (place, number, evidence)) AS given
          JOIN build ON build.project = (:projects)[given.place] AND build.build_num = given.number) AS named
 WHERE nth = which;
