-- What:  how long a statement may run, :milliseconds.
-- For:   --statement-timeout.
-- Why:   who reads a busy server may want to give up before it suffers.
SELECT set_config('statement_timeout', :milliseconds::text, false);
