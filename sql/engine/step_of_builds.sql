-- What:  the relation step, of the builds in scope only.
-- For:   delete, which reads a few builds again.
-- Why:   with a few builds in scope, an index finds what belongs to them.
SELECT every_step.* FROM every_step WHERE every_step.build_key IN (SELECT build.build_key FROM build);
