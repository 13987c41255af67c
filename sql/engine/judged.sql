-- What:  one row for each build in which a rule fired: the rules in order, the first five things that each has seen, and for each rule
--        its own word on why the build is not to be deleted, '' where it has none.
-- For:   the relation subject.
-- Why:   a build with a thousand damaged steps is one row that a person can read. A finding whose build is not there, or
--        has no key, stays a row: it must not vanish.
WITH seen AS (
    SELECT finding.build_key, finding.rule, finding.rule_rank, count(*) AS times,
           (array_agg(finding.evidence ORDER BY finding.position))[1:5] AS shown,
           CASE WHEN count(finding.obstacle) = count(*) THEN min(finding.obstacle COLLATE "C") END AS obstacle
      FROM finding
     GROUP BY finding.build_key, finding.rule, finding.rule_rank
)
SELECT seen.build_key,
       array_agg(seen.rule ORDER BY seen.rule_rank) AS reasons,
       array_agg(coalesce(seen.obstacle, '') ORDER BY seen.rule_rank) AS obstacles,
       string_agg(array_to_string(seen.shown, '; ')
                  || CASE WHEN seen.times > 5 THEN '; and ' || (seen.times - 5) || ' more' ELSE '' END,
                  '; ' ORDER BY seen.rule_rank) AS evidence
  FROM seen
 GROUP BY seen.build_key;
