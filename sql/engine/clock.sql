-- What:  the database's own clock.
-- For:   scan, verify and delete without T, where nothing can be held against T and R.
-- Why:   ages are told by the clock of the machine that wrote them, as far as there is one.
SELECT now();
