-- What:  the builds that a scan reports: those in which a rule fired.
-- For:   scan and verify.
-- Why:   all else in the report is read for these alone.
SELECT finding.build_key FROM finding GROUP BY finding.build_key;
