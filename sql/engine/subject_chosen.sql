-- What:  the builds that are read again, sound or not.
-- For:   delete.
-- Why:   a build that is sound by now must be seen too, so as not to be deleted.
SELECT build.build_key, judged.reasons, judged.obstacles, judged.evidence
  FROM build
  LEFT JOIN judged ON judged.build_key = build.build_key;
