-- What:  the builds of some projects: $1 holds their names.
-- For:   --project; the globs have been matched against the names that are there.
-- Why:   what is not in scope is neither checked nor reported.
SELECT every_build.* FROM every_build WHERE every_build.project = ANY ($1::text[]);
