-- profile: openqa
-- title: openQA, the database of its web UI
-- yields: queued, not_running, running, finished, not_run
-- queue: in this database
-- running: lost
-- max-run-time: 2h
-- addresses: as written
-- delete: DELETE
-- token: Basic
-- row-version: j.xmin
-- known: real server
-- admin-paths: HTTP
--
-- What:  presents the jobs of an openQA server as build, and their test modules as step.
-- For:   an openQA web UI whose database has been restored. Tried on openQA 4.6 (Debian 12), with its own scheduler and workers.
-- Why:   a job is a build. What belongs together in openQA, a parent and its children too, is of one product: distribution, version,
--        flavor and architecture are the project, so that deleting one job shows where another one of it goes too. Times are in UTC,
--        without a zone, mostly in whole seconds.
--        An assigned job has a worker that has not taken it yet: the scheduler assigns it once more. A job in setup has no start yet.
--        What ran at T is lost: a worker that comes back without the job has it closed as incomplete at once, and cloned; where none
--        comes back, the scheduler does so after worker_timeout (30 minutes). A worker that was not restored, and still works on the
--        job, may go on with it: the module that it begins then shows that the job lives.
--        A job may run for MAX_JOB_TIME, a setting of the job, 2 hours where it has none.
--        openQA closes the modules of a job with the job: what has not ended has no result again. A module has no times of its own: its row is
--        made when the list of modules is known, and written when its result changes.
--        Logs are files below testresults, and the database knows neither their names nor their sizes: no output is checked.
--        A job waits for as long as its parents run. Deleting a parent (blocked_by_id) deletes what waits for it.
--
-- A job's page is BASE_URL/tests/ID: --base-url has to name the web UI. The token is USER:KEY:SECRET, of an administrator.

-- relation: build
SELECT j.id                                   AS build_key,
       rtrim(nullif(current_setting('halfbuilt.base_url', true), ''), '/') || '/tests/' || j.id AS build_url,
       concat_ws('-', j.distri, j.version, j.flavor, j.arch) AS project,
       j.id                                   AS build_num,
       CASE WHEN j.state = 'scheduled' THEN 'queued'
            WHEN j.state = 'assigned' THEN 'not_running'
            WHEN j.state IN ('setup', 'running', 'uploading') THEN 'running'
            WHEN j.state IN ('done', 'cancelled') AND j.t_started IS NULL THEN 'not_run'
            WHEN j.state IN ('done', 'cancelled') THEN 'finished' END AS lifecycle,
       CASE WHEN j.state IN ('done', 'cancelled') THEN j.result::text ELSE j.state::text END AS status,
       j.t_created AT TIME ZONE 'UTC'         AS queued_at,
       j.t_started AT TIME ZONE 'UTC'         AS started_at,
       j.t_finished AT TIME ZONE 'UTC'        AS stopped_at,
       '/api/v1/jobs/' || j.id                AS delete_path,
       :row_version                           AS row_version
  FROM :"schema".jobs AS j;

-- relation: step
SELECT m.job_id                               AS build_key,
       m.id                                   AS step_key,
       m.name                                 AS name,
       CASE WHEN m.result = 'running' THEN m.t_updated AT TIME ZONE 'UTC'
            WHEN m.result <> 'none' THEN m.t_created AT TIME ZONE 'UTC' END AS started_at,
       CASE WHEN m.result NOT IN ('none', 'running') THEN m.t_updated AT TIME ZONE 'UTC' END AS stopped_at,
       false                                  AS has_output,
       NULL::bigint                           AS output_size,
       NULL::boolean                          AS output_closed
  FROM :"schema".job_modules AS m;

-- What goes with a job, whole rows of each table, parents first: what --archive keeps. Files stay out, and so do locks, networks and
-- sessions, by which jobs that run work together. A job's clone stays, and forgets nothing.

-- archive: jobs
SELECT j.id AS build_key, j AS whole FROM :"schema".jobs AS j;

-- archive: job_settings
SELECT s.job_id AS build_key, s AS whole FROM :"schema".job_settings AS s;

-- archive: job_modules
SELECT m.job_id AS build_key, m AS whole FROM :"schema".job_modules AS m;

-- archive: job_dependencies
SELECT d.child_job_id AS build_key, d AS whole FROM :"schema".job_dependencies AS d
UNION ALL
SELECT d.parent_job_id AS build_key, d AS whole FROM :"schema".job_dependencies AS d
 WHERE d.parent_job_id <> d.child_job_id;

-- archive: comments
SELECT c.job_id AS build_key, c AS whole FROM :"schema".comments AS c WHERE c.job_id IS NOT NULL;

-- archive: jobs_assets
SELECT a.job_id AS build_key, a AS whole FROM :"schema".jobs_assets AS a;

-- archive: screenshot_links
SELECT l.job_id AS build_key, l AS whole FROM :"schema".screenshot_links AS l;
