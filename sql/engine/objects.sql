-- What the records of builds promise of object storage, and what came of the comparison with what is stored.
-- A part begins with its name. The program runs it alone, or as a piece of a longer statement (`halfbuilt rules --composed` prints these).
-- `$1` and the like are parameters; psql has \bind for them.

-- part: promised
-- What:  every file that the record of a build in scope names, by its key, in the order of bytes. :kinds are kinds of files, and :among says
--        whether those or all others are meant. :kept_kinds are kinds of which files are deleted on purpose, and :kept_for after how many
--        microseconds from the stop of their build. :expires_at is a column of relation object, or NULL. :before is what stands before a key
--        in an address: the bucket and a slash, then the prefix.
-- For:   scan and verify with --objects, which read this beside a listing in the same order, each row once.
-- Why:   two lists in one order are compared with no memory, however long they are. Only of a build that stopped ten minutes before the backup
--        is it known that all had been uploaded by then. What may have been deleted on purpose is no loss. An API gives addresses, of
--        which the path is the key, with the bucket before it or without. One with an escape is left as it is: it would change the order.
SELECT named.key,
       object.kind,
       object.size,
       build.build_key::text AS build_key,
       coalesce(build.stopped_at <= current_setting('halfbuilt.backup_time')::timestamptz - interval '10 minutes', false) AS is_judged,
       coalesce(:expires_at <= now(), false)
         OR coalesce(build.stopped_at + kept.microseconds * interval '1 microsecond' <= now(), false) AS is_expired
  FROM object
  JOIN build ON build.build_key = object.build_key
 CROSS JOIN LATERAL (SELECT substring(object.key FROM '^https?://[^/?#]+/([^?#%]+)$') AS path OFFSET 0) AS address
 CROSS JOIN LATERAL (SELECT CASE WHEN left(address.path, length((:before)[1])) = (:before)[1]
                                 THEN substr(address.path, length((:before)[1]) + 1) ELSE address.path END AS path) AS in_bucket
 CROSS JOIN LATERAL (SELECT CASE WHEN in_bucket.path IS NULL THEN object.key
                                 WHEN left(in_bucket.path, length((:before)[2])) = (:before)[2]
                                 THEN substr(in_bucket.path, length((:before)[2]) + 1) ELSE object.key END AS key) AS named
  LEFT JOIN unnest(:kept_kinds, :kept_for) AS kept (kind, microseconds) ON kept.kind = object.kind
 WHERE object.key IS NOT NULL
   AND :among
 ORDER BY named.key COLLATE "C", build.build_key::text COLLATE "C";

-- part: of_these_kinds
-- What:  whether the kind of a file is one of :kinds.
-- For:   the part `promised`, for --objects KIND=URI.
-- Why:   kinds may be kept in different places.
object.kind = ANY (:kinds)

-- part: of_other_kinds
-- What:  whether the kind of a file is none of :kinds.
-- For:   the part `promised`, for --objects URI.
-- Why:   a place without a kind holds all that no other place does.
coalesce(object.kind <> ALL (:kinds), true)

-- part: held
-- What:  what came of the comparison: for each build a rule, and the evidence for it. :rules, :keys and :evidence are texts of equal number.
-- For:   the rules about object storage, which read it as the relation held.
-- Why:   the report is one statement, which joins the reasons of a build and sorts. In psql: -v rules="'{object-missing}'::text[]" ...
SELECT found.rule, found.build_key, found.evidence
  FROM unnest(:rules, :keys, :evidence) AS found (rule, build_key, evidence);

-- part: no_held
-- What:  stands in for the relation held where nothing was compared.
-- For:   the rules about object storage, when they are checked and printed.
-- Why:   a rule has to fit the database before anything is read.
SELECT NULL::text AS rule, NULL::text AS build_key, NULL::text AS evidence WHERE false;
