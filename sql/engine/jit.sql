-- What:  lets the server compile the statements of this transaction, if its own settings say so, or not: :wanted is true or false.
-- For:   the sieve, whose few expressions are evaluated for every piece of output; no other statement.
-- Why:   to compile a statement with hundreds of expressions takes longer than to run it over a few builds. To compile the
--        server's own functions into it (inlining) takes longer than it gains in any case.
SELECT set_config('jit', CASE WHEN :wanted THEN (SELECT reset_val FROM pg_settings WHERE name = 'jit') ELSE 'off' END, true),
       set_config('jit_inline_above_cost', '-1', true);
