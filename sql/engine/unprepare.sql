-- What:  has the server forget what prepare.sql has prepared.
-- For:   the same.
-- Why:   a pooler may give this session of the server to somebody else after the transaction.
DEALLOCATE halfbuilt_asked;
