-- rule: object-missing
-- title: object storage lacks files that the record of the build names
-- needs: build, object, backup_time, listing
-- deletable: never
--
-- What:  builds that stopped at least ten minutes before the backup, and of whose files some are not stored.
-- For:   scan and verify with --objects: the program compares the relation object with a listing, and gives what it found as the relation held.
-- Why:   the backup covers the database, not the files. Where the two are of different moments, a record promises what is not there. That is no
--        reason to lose the record too, so it never makes a build deletable.
-- Not:   files that may have been deleted on purpose (expires_at, --objects-retention), and a kind of which nothing is stored at all: then the
--        place is wrong or not mounted, and it was not checked.
SELECT build.build_key, held.evidence
  FROM held
  JOIN build ON build.build_key::text = held.build_key
 WHERE held.rule = 'object-missing'
 ORDER BY build.build_key;
