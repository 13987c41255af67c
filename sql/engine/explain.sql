-- What:  has the server say how it would read what the statement after it asks for; nothing is read.
-- For:   each relation of a profile, once, to learn which tables it is made of.
-- Why:   a view, or a name with another schema, leads to tables that the profile does not name.
EXPLAIN (VERBOSE, FORMAT JSON, COSTS OFF)
