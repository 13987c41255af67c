-- What:  the builds that one rule found, by their keys, and what each of them shares with whom.
-- For:   the relation shared: builds that have their number or their address in common with others.
-- Why:   such a build is not deletable, whichever rules a scan was asked for.
SELECT named.build_key, coalesce(named.evidence, 'the rule gave no evidence') AS evidence FROM :"rows" AS named;
