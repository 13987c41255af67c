-- What:  the search path of this role as it connects, whatever has been set since.
-- For:   schemas.sql, in a transaction of its own.
-- Why:   a session that comes from a pool may have been left with another path by whoever used it before.
SET LOCAL search_path TO DEFAULT;
