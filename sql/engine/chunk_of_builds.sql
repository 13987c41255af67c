-- What:  the relation chunk, of the builds in scope only.
-- For:   delete, which reads a few builds again.
-- Why:   with a few builds in scope, an index finds what belongs to them.
SELECT every_chunk.* FROM every_chunk WHERE every_chunk.build_key IN (SELECT build.build_key FROM build);
