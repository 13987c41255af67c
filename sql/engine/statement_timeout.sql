-- What:  how long a statement of this transaction may run, :milliseconds.
-- For:   --statement-timeout.
-- Why:   who reads a busy server may want to give up before it suffers.
SET LOCAL statement_timeout = :milliseconds;
