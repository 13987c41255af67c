-- What:  the builds with certain addresses, whatever their number: $1 holds the addresses.
-- For:   delete, once while it plans, for builds that are not found by name.
-- Why:   a build whose number in the database is not the one in its address must not pass for gone. It may take a look at
--        every build, so it is not done for each deletion.
SELECT every_build.* FROM every_build WHERE every_build.build_url = ANY ($1::text[]);
