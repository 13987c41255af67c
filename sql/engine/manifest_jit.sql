-- What:  has the next statements of this transaction compiled only if they are dear, whatever the server's settings say below that.
-- For:   manifest, and verify --baseline, before they count every build.
-- Why:   compiling takes a tenth of a second in each process. With a million steps or less, that is more than it gains; with ten million,
--        it saves a tenth of the work. -1 is the server's word for never.
SELECT set_config('jit_above_cost', CASE WHEN current_setting('jit_above_cost')::float8 < 0 THEN '-1'
                                         ELSE greatest(current_setting('jit_above_cost')::float8, 400000)::text END, true);
