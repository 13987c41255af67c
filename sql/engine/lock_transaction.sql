-- What:  begins the transaction that holds the lock of a deletion.
-- For:   the connection that takes the lock, and the one that sees what another waits for, before session.sql.
-- Why:   it may only read, and each statement sees the present: so it keeps no old rows alive however long it is open.
START TRANSACTION READ ONLY, ISOLATION LEVEL READ COMMITTED;
