-- What:  the relation of the suspect builds under the relation's own name.
-- For:   a rule that never fires on a build that is whole.
-- Why:   the rule is written over all builds and stays as it is. In psql: -v rows=suspect_step
SELECT narrowed.* FROM :"rows" AS narrowed;
