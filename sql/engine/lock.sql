-- What:  takes the lock that makes a deletion the only one on this database; false if somebody else has it.
-- For:   delete --execute, once, right after connecting and before it plans.
-- Why:   two deletions at once would each find the other's work and take it for a change. The lock is the session's: it ends with the
--        connection, however that ends, and nothing is written for it. It is known in this database of this server alone: a standby
--        has locks of its own, which its primary does not see. Through a pooler that shares sessions (transaction
--        pooling) it may end, or be found taken, without meaning anything. The number is "halfbilt" in ASCII.
SELECT pg_catalog.pg_try_advisory_lock(7521412039678979188);
