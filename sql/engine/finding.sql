-- What:  the rows of one rule, under its name and in its own order.
-- For:   every rule; the parts are joined by UNION ALL into the relation finding.
-- Why:   psql's own variables name what differs: psql -v rule=NAME -v rank=1 -v rows=TABLE -v obstacle=NULL::text, or named.obstacle
--        for a rule that says row by row why a build is not to be deleted.
SELECT :'rule' AS rule, :rank AS rule_rank, named.build_key,
       coalesce(named.evidence, 'the rule gave no evidence') AS evidence, row_number() OVER () AS position,
       :obstacle AS obstacle
  FROM :"rows" AS named;
