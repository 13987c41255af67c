-- profile: conductor
-- title: CircleCI Server 4.x, the jobs of conductor_production
-- yields: running, finished
-- queue: elsewhere
-- running: lost
-- max-run-time: 5h
-- known: public facts
-- admin-paths: none
--
-- What:  presents the jobs that have started, by their events, as build. A job is a build.
-- For:   the PostgreSQL of a CircleCI Server 4.x, database conductor_production. It has been tried on tables made after the
--        sources below, never on a real server: run `halfbuilt profiles --check conductor` on yours first.
-- Why:   nobody has published this schema. Known are three tables and what two public sources name in them:
--          job_started_events (job_id, started_at) and job_ended_events (job_id, ended_at), joined by job_id:
--            "CircleCI Server compute cost forecast", github.com/CircleCI-Public/server-scripts, forecast-costs/
--          public.jobs (created_at):
--            "Data retention in server", circleci.com/docs/server-admin/server-4.9/operator/data-retention
--        A job with a started event and without an ended event is running. Where it has several of a kind, the latest counts: one
--        row a job. job_id may be of any type; times without a zone are taken for the session's (in halfbuilt: UTC).
--
-- Not known, so not used or not checked:
--   * How a row of jobs joins its events: no source names a key of it. So jobs is not read, and a job that has not started
--     is not seen: neither when it was queued, nor whether it is stuck in a queue. Do you know the key? LEFT JOIN it here:
--     created_at is queued_at.
--   * A job's project, number, address and outcome: all NULL. A build without an address is never deletable, and
--     --project finds none. build_key is the job's id.
--   * Steps and their output: there is no relation step, chunk or object. "Data retention in server" says that action logs
--     are kept in MongoDB and other objects in a bucket, so this database does not show whether output is whole.
--   * A job that ended without having started (cancelled while it waited, it seems) is left out.

-- relation: build
SELECT started.job_id                         AS build_key,
       NULL::text                             AS build_url,
       NULL::text                             AS project,
       NULL::bigint                           AS build_num,
       CASE WHEN ended.job_id IS NULL THEN 'running' ELSE 'finished' END AS lifecycle,
       NULL::text                             AS status,
       NULL::timestamptz                      AS queued_at,
       started.started_at                     AS started_at,
       ended.ended_at                         AS stopped_at
  FROM (SELECT job_id, max(started_at)::timestamptz AS started_at FROM :"schema".job_started_events GROUP BY job_id) AS started
  LEFT JOIN (SELECT job_id, max(ended_at)::timestamptz AS ended_at FROM :"schema".job_ended_events GROUP BY job_id) AS ended
         ON ended.job_id = started.job_id;

-- What is known to belong to a job, whole rows of each table. The row of jobs is missing: nobody says how it joins.

-- archive: job_started_events
SELECT s.job_id AS build_key, s AS whole FROM :"schema".job_started_events AS s;

-- archive: job_ended_events
SELECT e.job_id AS build_key, e AS whole FROM :"schema".job_ended_events AS e;
