-- A build database of any size, for measurements.
--
-- What:  fills the tables of sql/schema.sql with builds of ten steps and forty pieces of output each, of which a few are
--        damaged: one in each :damaged builds by each fault.
-- For:   benches/scan.sh; and whoever wants to see how a query behaves on millions of rows.
-- Why:   what is fast on a few hundred builds may not be on ten million. Nothing is random, so two loads are alike.
--
--     psql -v ON_ERROR_STOP=1 -f sql/schema.sql -v builds=500000 -f benches/builds.sql
--
-- Variables: builds (default 50000), steps (10) for each build, pieces (4) for each step, piece (100: a piece is that many
-- bytes to three times as many, by its build), damaged (5000). A superuser's work: foreign keys are not checked while the
-- rows go in.
--
-- T is 2026-11-20T02:00:00Z; the builds come one every 20 seconds before it, and each runs ten minutes. The faults, by
-- the build's number n modulo :damaged:
--     0  the last step of a build has lost its last piece
--     1  a piece in the middle is missing
--     2  a piece is missing, and another piece of the build, just as long, is there twice: the sums agree
--     3  a step has lost all of its output
--     4  the build is stuck in Running, its last steps are not there, and the running one has half of its output
--     5  the build was never started
--     6  a step never stopped
--     7  a piece is there twice, which is no damage
\if :{?builds}
\else
\set builds 50000
\endif
\if :{?steps}
\else
\set steps 10
\endif
\if :{?pieces}
\else
\set pieces 4
\endif
\if :{?piece}
\else
\set piece 100
\endif
\if :{?damaged}
\else
\set damaged 5000
\endif
SET session_replication_role = replica;
SET synchronous_commit = off;

INSERT INTO builds (build_id, vcs_type, username, reponame, build_num, build_url, lifecycle, outcome, status, queued_at,
                    start_time, stop_time, parallel)
OVERRIDING SYSTEM VALUE
SELECT n, 'github', 'org' || n % 20, 'project' || n % 200, n / 200 + 1,
       'https://ci.acme.example/gh/org' || n % 20 || '/project' || n % 200 || '/' || n / 200 + 1,
       CASE fault WHEN 4 THEN 'running' WHEN 5 THEN 'queued' ELSE 'finished' END,
       CASE WHEN fault NOT IN (4, 5) THEN 'success' END,
       CASE fault WHEN 4 THEN 'running' WHEN 5 THEN 'queued' ELSE 'success' END,
       started - interval '5 seconds',
       CASE WHEN fault <> 5 THEN started END,
       CASE WHEN fault NOT IN (4, 5) THEN started + interval '10 minutes' END,
       1
  FROM (SELECT n, n % :damaged AS fault,
               timestamptz '2026-11-20T01:45:00Z' - (:builds - n) * interval '20 seconds' AS started
          FROM generate_series(1, :builds) AS n) AS build;

INSERT INTO steps (build_id, step, name)
SELECT n, step, 'step number ' || step
  FROM generate_series(1, :builds) AS n, generate_series(0, :steps - 1) AS step
 WHERE n % :damaged <> 5 AND NOT (n % :damaged = 4 AND step > :steps / 2);

-- All pieces of a build have one length, so that sums can agree by mistake.
INSERT INTO actions (build_id, step, index, name, type, status, start_time, end_time, run_time_millis, exit_code,
                     has_output, output_size)
SELECT build_id, step, 0, NULL, 'test', CASE WHEN unfinished THEN 'running' ELSE 'success' END,
       started, CASE WHEN NOT unfinished THEN started + interval '50 seconds' END,
       CASE WHEN NOT unfinished THEN 50000 END, CASE WHEN NOT unfinished THEN 0 END,
       true, CASE WHEN NOT unfinished THEN :pieces * (:piece + build_id % (2 * :piece)) END
  FROM (SELECT steps.build_id, steps.step, builds.start_time + steps.step * interval '55 seconds' AS started,
               steps.build_id % :damaged = 4 AND steps.step = :steps / 2
                 OR steps.build_id % :damaged = 6 AND steps.step = 1 AS unfinished
          FROM steps JOIN builds USING (build_id)) AS action;

INSERT INTO output (build_id, step, index, first_byte, type, time, message)
SELECT n, step, 0, piece * (:piece + n % (2 * :piece)), 'out',
       timestamptz '2026-11-20T01:45:00Z' - (:builds - n) * interval '20 seconds' + step * interval '55 seconds',
       convert_to(repeat(chr((65 + (n + step) % 26)::integer), (:piece + n % (2 * :piece))::integer), 'UTF8')
  FROM (SELECT n, step, piece, n % :damaged AS fault
          FROM generate_series(1, :builds) AS n, generate_series(0, :steps - 1) AS step,
               generate_series(0, :pieces - 1) AS piece) AS each_one
 CROSS JOIN LATERAL generate_series(1, CASE WHEN fault IN (2, 7) AND step = 2 AND piece = 1 THEN 2 ELSE 1 END)
 WHERE NOT (fault = 0 AND step = :steps - 1 AND piece = :pieces - 1)
   AND NOT (fault = 1 AND step = 3 AND piece = 1)
   AND NOT (fault = 2 AND step = 3 AND piece = 1)
   AND NOT (fault = 3 AND step = 4)
   AND NOT (fault = 4 AND (step > :steps / 2 OR step = :steps / 2 AND piece >= :pieces / 2))
   AND fault <> 5;

SET session_replication_role = DEFAULT;
VACUUM (ANALYZE) builds, steps, actions, output;
