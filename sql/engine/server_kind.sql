-- What:  whether the server is a standby, and whether a transaction on it may only read (on or off).
-- For:   connections that want one kind of server of several (target_session_attrs).
-- Why:   of a list of servers nobody knows beforehand which one is the primary now. It is asked before anything is settled: each name is
--        written with its schema, and nothing is compared.
SELECT pg_catalog.pg_is_in_recovery()                       AS in_recovery,
       pg_catalog.current_setting('transaction_read_only')  AS read_only;
