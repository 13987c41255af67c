-- What:  has the server check the statement that follows, and nothing more: it is neither planned nor run.
-- For:   each relation, rule and archive section of a profile, before anything is read. unprepare.sql follows at once.
-- Why:   what is prepared stays in the session of the server, which a pooler may give to somebody else after the transaction.
PREPARE halfbuilt_asked AS
