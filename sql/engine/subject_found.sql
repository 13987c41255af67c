-- What:  the builds that a scan of everything reports: those in which a rule fired, even where the build itself is missing.
-- For:   scan and verify.
-- Why:   all else in the report is read for these alone.
SELECT judged.build_key, judged.reasons, judged.obstacles, judged.evidence FROM judged;
