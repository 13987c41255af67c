-- What:  the items of a list, as rows.
-- For:   servers before version 14, which search a long list from its beginning for every row, and join rows by a hash.
-- Why:   in psql: -v list='ARRAY[1, 2]'
SELECT unnest(:list);
