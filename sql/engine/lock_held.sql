-- What:  whether one of the sessions $1 holds the lock of a deletion, as lock.sql takes it.
-- For:   every snapshot of a deletion, when it begins and once more before anything that it said is believed.
-- Why:   the lock is held on a connection of its own, which may be lost, or lead to another server than the one that is read. classid and
--        objid are the two halves of the lock's number.
SELECT EXISTS (SELECT FROM pg_locks AS held
                WHERE held.pid::bigint = ANY ($1::bigint[])
                  AND held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
                  AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                  AND held.classid::bigint = 7521412039678979188 >> 32
                  AND held.objid::bigint = 7521412039678979188 & 4294967295) AS held;
