-- What:  the relation object, of the builds in scope only.
-- For:   delete, which reads a few builds again.
-- Why:   with a few builds in scope, an index finds what belongs to them.
SELECT every_object.* FROM every_object WHERE every_object.build_key IN (SELECT build.build_key FROM build);
