-- What:  the rows of a relation, each as one value, with the key of its build.
-- For:   delete --archive with a profile that has no archive sections.
-- Why:   what the profile presents is then all that can be kept. In psql: -v relation=step
SELECT presented.build_key, presented AS whole FROM :"relation" AS presented;
