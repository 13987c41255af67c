-- What:  the builds that one rule found, by their keys alone.
-- For:   the relation shared: builds that have their number or their address in common with others.
-- Why:   such a build is not deletable, whichever rules a scan was asked for.
SELECT named.build_key FROM :"rows" AS named;
