-- What:  the builds that a scan of some projects reports: those in which a rule fired and that are in scope.
-- For:   scan with --project.
-- Why:   rules look at every step; what belongs to other projects, or to no build, is not in scope.
SELECT judged.build_key, judged.reasons, judged.obstacles, judged.evidence
  FROM judged
  JOIN build ON build.build_key = judged.build_key;
