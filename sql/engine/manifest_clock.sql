-- What:  until when this database has everything, whether it is a standby, and the digest of a build that nobody ever had.
-- For:   manifest, whose T it is by default; and verify --baseline, which sees by the digest that both servers hash alike.
-- Why:   a standby knows nothing of what its primary wrote since; what it replayed last is its present. NULL where it has replayed
--        nothing. Hash functions may change with a release or a processor: then digests cannot be compared, and it has to be said.
SELECT CASE WHEN pg_is_in_recovery() THEN least(now(), pg_last_xact_replay_timestamp())
            ELSE now() END AS present,
       pg_is_in_recovery() AS is_standby,
       hashint8extended(7, hash_numeric_extended(2431, hashfloat8extended(1795140000.25, hashtextextended('=finished' COLLATE "C", 42)))) AS digest;
