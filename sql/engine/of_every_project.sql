-- What:  the relation build, of all projects.
-- For:   rules that compare builds with one another, where --project chooses some.
-- Why:   the other build of a pair may be in a project that is not in scope.
SELECT every_build.* FROM every_build;
