-- rule: object-short
-- title: a stored file of the build is shorter than the record says
-- needs: build, object, backup_time, listing
-- deletable: never
--
-- What:  builds that stopped at least ten minutes before the backup, and of whose stored files some have fewer bytes than the record says.
-- For:   scan and verify with --objects, as object-missing.
-- Why:   an upload that the outage cut, or a copy that did not end. What is there is worth more than nothing, so it never makes a build
--        deletable.
-- Not:   files that are longer (some stores count what they compress otherwise), and files of which the record gives no size.
SELECT build.build_key, held.evidence
  FROM held
  JOIN build ON build.build_key::text = held.build_key
 WHERE held.rule = 'object-short'
 ORDER BY build.build_key;
