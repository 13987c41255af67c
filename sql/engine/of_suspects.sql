-- What:  a relation, of the suspect builds only.
-- For:   the rules that never fire on a build that is whole (their header says: sieve: whole).
-- Why:   with few suspects an index finds what belongs to them. All these rules share what is read once here. In psql:
--        -v relation=step -v among='IN (1, 2)'
SELECT narrowed.* FROM :"relation" AS narrowed WHERE narrowed.build_key :among;
