-- What:  takes the lock that makes a deletion the only one on this database; false if somebody else has it.
-- For:   delete --execute, once, right after connecting and before it plans, on a connection of its own.
-- Why:   two deletions at once would each find the other's work and take it for a change. The lock is the transaction's: it ends with it,
--        however that ends, and a pooler that shares sessions has to keep the session while the transaction is open. The transaction
--        is idle and reads nothing, so it keeps no old rows alive. The lock is known in this database of this server alone: a
--        standby has locks of its own, which its primary does not see. The number is "halfbilt" in ASCII.
SELECT pg_try_advisory_xact_lock(7521412039678979188) AS taken, pg_backend_pid()::bigint AS pid;
