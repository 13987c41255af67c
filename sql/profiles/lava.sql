-- profile: lava
-- title: LAVA server
-- yields: queued, not_running, running, finished, not_run
-- queue: in this database
-- running: resumed
-- addresses: as written
-- delete: DELETE
-- token: Authorization Token
-- row-version: j.xmin
-- known: real server
-- admin-paths: HTTP
--
-- What:  presents the test jobs of a LAVA server as build, and the results of their test cases as step.
-- For:   a LAVA server whose database has been restored. Tried on LAVA 2023.01 (Debian 12), with its own scheduler and lava-worker.
-- Why:   state is a number: 0 submitted, 1 scheduling, 2 scheduled, 3 running, 4 canceling, 5 finished; how it went is health. A job
--        that is scheduled has a device, and no start yet. A project is a device type.
--        What ran at T is resumed: a lava-worker asks the server what it should run, and starts a job once more that it does not know.
--        The job keeps its start and ends after the restore. Where the worker does not come back, nothing ends the job, and its
--        device stays blocked: that is what is worth deleting.
--        How long a job may run, the job itself says (timeouts), so there is no limit of the CI's own.
--        A result has one time, when it was logged: the start and the stop of a step here. It is a sign of life.
--        Logs are files (media/job-output), and the database knows neither their names nor their sizes: no output is checked. They stay
--        when a job is deleted.
--        A job waits for as long as no device is free, which may be right for days.
--
-- A job's page is BASE_URL/scheduler/job/ID: --base-url has to name the server. The token is one of an administrator.

-- relation: build
SELECT j.id                                   AS build_key,
       rtrim(nullif(current_setting('halfbuilt.base_url', true), ''), '/') || '/scheduler/job/' || j.id AS build_url,
       j.requested_device_type_id::text       AS project,
       j.id::bigint                           AS build_num,
       CASE WHEN j.state = 0 THEN 'queued'
            WHEN j.state IN (1, 2) THEN 'not_running'
            WHEN j.state IN (3, 4) THEN 'running'
            WHEN j.state = 5 AND j.start_time IS NULL THEN 'not_run'
            WHEN j.state = 5 THEN 'finished' END AS lifecycle,
       CASE WHEN j.state = 5 THEN CASE j.health WHEN 0 THEN 'unknown' WHEN 1 THEN 'complete' WHEN 2 THEN 'incomplete'
                                                WHEN 3 THEN 'canceled' ELSE 'health ' || j.health END
            ELSE CASE j.state WHEN 0 THEN 'submitted' WHEN 1 THEN 'scheduling' WHEN 2 THEN 'scheduled'
                              WHEN 3 THEN 'running' WHEN 4 THEN 'canceling' ELSE 'state ' || j.state END END AS status,
       j.submit_time                          AS queued_at,
       j.start_time                           AS started_at,
       j.end_time                             AS stopped_at,
       '/api/v0.2/jobs/' || j.id || '/'       AS delete_path,
       :row_version                           AS row_version
  FROM :"schema".lava_scheduler_app_testjob AS j;

-- relation: step
SELECT s.job_id                               AS build_key,
       c.id                                   AS step_key,
       s.name || '/' || c.name                AS name,
       c.logged                               AS started_at,
       c.logged                               AS stopped_at,
       false                                  AS has_output,
       NULL::bigint                           AS output_size,
       NULL::boolean                          AS output_closed
  FROM :"schema".lava_results_app_testcase AS c
  JOIN :"schema".lava_results_app_testsuite AS s ON s.id = c.suite_id;

-- What goes with a job, whole rows of each table, parents first: what --archive keeps. Log files stay where they are.

-- archive: lava_scheduler_app_testjob
SELECT j.id AS build_key, j AS whole FROM :"schema".lava_scheduler_app_testjob AS j;

-- archive: lava_results_app_testsuite
SELECT s.job_id AS build_key, s AS whole FROM :"schema".lava_results_app_testsuite AS s;

-- archive: lava_results_app_testset
SELECT s.job_id AS build_key, t AS whole
  FROM :"schema".lava_results_app_testset AS t
  JOIN :"schema".lava_results_app_testsuite AS s ON s.id = t.suite_id;

-- archive: lava_results_app_testcase
SELECT s.job_id AS build_key, c AS whole
  FROM :"schema".lava_results_app_testcase AS c
  JOIN :"schema".lava_results_app_testsuite AS s ON s.id = c.suite_id;

-- archive: lava_results_app_testdata
SELECT d.testjob_id AS build_key, d AS whole FROM :"schema".lava_results_app_testdata AS d;

-- archive: lava_scheduler_app_testjobuser
SELECT u.test_job_id AS build_key, u AS whole FROM :"schema".lava_scheduler_app_testjobuser AS u;

-- archive: lava_scheduler_app_testjob_tags
SELECT t.testjob_id AS build_key, t AS whole FROM :"schema".lava_scheduler_app_testjob_tags AS t;

-- archive: lava_scheduler_app_testjob_failure_tags
SELECT t.testjob_id AS build_key, t AS whole FROM :"schema".lava_scheduler_app_testjob_failure_tags AS t;

-- archive: lava_scheduler_app_testjob_viewing_groups
SELECT g.testjob_id AS build_key, g AS whole FROM :"schema".lava_scheduler_app_testjob_viewing_groups AS g;
