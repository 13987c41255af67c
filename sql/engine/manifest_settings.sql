-- What:  gives the next statements of this transaction room in memory, and has them compiled only if they are dear, whatever the
--        server's settings say below that.
-- For:   manifest, and verify --baseline, before they count every build.
-- Why:   what a build has is added up by build, in each of the server's processes. Half a million builds take 20 MB there; with the
--        usual 4 MB most of them go to temporary files, and all of it takes a quarter longer. Where 32 MB are not enough either, the
--        rest goes there. Compiling takes a tenth of a second in each process: with a million steps or less, that is more than it
--        gains; with ten million, it saves a tenth of the work. -1 is the server's word for never.
SELECT set_config('work_mem', greatest(32768, (SELECT setting::bigint FROM pg_settings WHERE name = 'work_mem')) || 'kB', true),
       set_config('jit_above_cost', CASE WHEN current_setting('jit_above_cost')::float8 < 0 THEN '-1'
                                         ELSE greatest(current_setting('jit_above_cost')::float8, 400000)::text END, true);
