-- What:  the database's own clock.
-- For:   scan, verify and delete, before T and R are used; and ages, where T is not given and nothing can be held against it.
-- Why:   ages are told by the clock of the machine that wrote them, as far as there is one. Either of two clocks may be wrong: T is
--        held against both, and the time at this very moment tells how far they are apart.
SELECT now() AS now, clock_timestamp() AS at_this_moment;
