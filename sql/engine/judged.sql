-- What:  one row for each build in which a rule fired: the rules in order, and the first five things that each has seen.
-- For:   the relation subject.
-- Why:   a build with a thousand damaged steps is one row that a person can read. A finding whose build is not there, or
--        has no key, stays a row: it must not vanish.
WITH seen AS (
    SELECT finding.build_key, finding.rule, finding.rule_rank, count(*) AS times,
           (array_agg(finding.evidence ORDER BY finding.position))[1:5] AS shown
      FROM finding
     GROUP BY finding.build_key, finding.rule, finding.rule_rank
)
SELECT seen.build_key,
       array_agg(seen.rule ORDER BY seen.rule_rank) AS reasons,
       string_agg(array_to_string(seen.shown, '; ')
                  || CASE WHEN seen.times > 5 THEN '; and ' || (seen.times - 5) || ' more' ELSE '' END,
                  '; ' ORDER BY seen.rule_rank) AS evidence
  FROM seen
 GROUP BY seen.build_key;
