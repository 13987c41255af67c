-- What:    a CI server at work: it starts builds of one project, stores their output piece by piece, and finishes them, each
--          in transactions of its own, five at a time, until there is a table drill.stop; then it finishes those that run.
-- For whom: tests/cli/verify_restore_drill.rs, which takes backups meanwhile. Started as: psql -v project=api -f verify_restore_drill_writer.sql
-- Why:     only a backup of a database that is being written to cuts builds as a real one does.
SET drill.project = :'project';

DO $$
DECLARE
    named   text := current_setting('drill.project');
    newest  bigint := 0;
    oldest  bigint := 1;
    current bigint;
    id      bigint;
BEGIN
    LOOP
        IF to_regclass('drill.stop') IS NULL THEN
            newest := newest + 1;
            INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at, start_time)
            VALUES ('github', 'acme', named, newest, format('https://ci.drill.example/gh/acme/%s/%s', named, newest),
                    'running', 'running', clock_timestamp(), clock_timestamp())
            RETURNING build_id INTO id;
            COMMIT;
            INSERT INTO steps (build_id, step, name) VALUES (id, 0, 'run tests');
            INSERT INTO actions (build_id, step, index, status, start_time, has_output)
            VALUES (id, 0, 0, 'running', clock_timestamp(), true);
            INSERT INTO output (build_id, step, index, first_byte, type, time, message)
            VALUES (id, 0, 0, 0, 'out', clock_timestamp(), 'it begins');
            COMMIT;
        END IF;
        FOR current IN oldest..newest LOOP
            SELECT build_id INTO id FROM builds WHERE reponame = named AND build_num = current;
            INSERT INTO output (build_id, step, index, first_byte, type, time, message)
            SELECT id, 0, 0, sum(size), 'out', clock_timestamp(), 'it goes on' FROM output WHERE build_id = id;
            COMMIT;
        END LOOP;
        IF newest - oldest >= 4 OR to_regclass('drill.stop') IS NOT NULL THEN
            EXIT WHEN oldest > newest;
            SELECT build_id INTO id FROM builds WHERE reponame = named AND build_num = oldest;
            UPDATE actions SET status = 'success', end_time = clock_timestamp(),
                   output_size = (SELECT sum(size) FROM output WHERE build_id = id)
             WHERE build_id = id;
            COMMIT;
            UPDATE builds SET lifecycle = 'finished', outcome = 'success', status = 'success', stop_time = clock_timestamp()
             WHERE build_id = id;
            COMMIT;
            oldest := oldest + 1;
        END IF;
        PERFORM pg_sleep(0.005);
    END LOOP;
END
$$;
