-- profile: buildbot
-- title: Buildbot 4 master database
-- unit: lines
-- yields: running, finished
-- queue: in this database
-- running: lost
-- row-version: b.xmin
-- known: dump
-- admin-paths: none
--
-- What:  presents a Buildbot master's tables as build, step and chunk.
-- For:   a Buildbot master whose database has been restored; read from a real one, Buildbot 4.3.0.
-- Why:   times there are whole seconds since 1970 (UTC), a project is a builder, and a step has any number of logs.
--        A finished log with no line, and a step without a log, are no damage. A log of type d was deleted on purpose:
--        it keeps its number of lines and has no output any more. A log that was cut agrees with itself; only
--        complete = 0 shows it.
--        Requests without a build are the queue, in this database: a master that starts continues with them by itself. It does not
--        continue a build that ran: it closes it as `retry`, and the request gets another build.
--        There is no relation object: the database knows of no files elsewhere.
--
-- A build's page is BASE_URL + #/builders/ID/builds/NUMBER, so --base-url has to name the master for a build to have
-- an address.

-- relation: build
SELECT b.id                                   AS build_key,
       rtrim(nullif(current_setting('halfbuilt.base_url', true), ''), '/')
         || '/#/builders/' || b.builderid || '/builds/' || b.number AS build_url,
       r.name                                 AS project,
       b.number                               AS build_num,
       CASE WHEN b.complete_at IS NULL THEN 'running' ELSE 'finished' END AS lifecycle,
       CASE b.results WHEN 0 THEN 'success'   WHEN 1 THEN 'warnings' WHEN 2 THEN 'failure' WHEN 3 THEN 'skipped'
                      WHEN 4 THEN 'exception' WHEN 5 THEN 'retry'    WHEN 6 THEN 'cancelled'
                      ELSE coalesce(b.results::text, 'running') END AS status,
       to_timestamp(q.submitted_at)           AS queued_at,
       to_timestamp(b.started_at)             AS started_at,
       to_timestamp(b.complete_at)            AS stopped_at,
       :row_version                           AS row_version
  FROM :"schema".builds AS b
  LEFT JOIN :"schema".builders AS r ON r.id = b.builderid
  LEFT JOIN :"schema".buildrequests AS q ON q.id = b.buildrequestid;

-- One row a log, and one for a step that has none. Output is a log's; `step 3/stdio` is its key.

-- relation: step
SELECT s.buildid                              AS build_key,
       CASE WHEN l.id IS NULL THEN s.number::text ELSE s.number || '/' || l.slug END AS step_key,
       s.name::text                           AS name,
       to_timestamp(s.started_at)             AS started_at,
       to_timestamp(s.complete_at)            AS stopped_at,
       coalesce(l.type <> 'd' AND l.num_lines > 0, false) AS has_output,
       CASE WHEN l.type <> 'd' THEN l.num_lines END AS output_size,
       CASE WHEN l.type <> 'd' THEN l.complete = 1 END AS output_closed
  FROM :"schema".steps AS s
  LEFT JOIN :"schema".logs AS l ON l.stepid = s.id;

-- relation: chunk
SELECT s.buildid                              AS build_key,
       s.number || '/' || l.slug              AS step_key,
       c.first_line                           AS first,
       CASE WHEN c.last_line < 9223372036854775807 THEN c.last_line::bigint + 1 ELSE c.last_line END AS next
  FROM :"schema".logchunks AS c
  LEFT JOIN :"schema".logs AS l ON l.id = c.logid
  LEFT JOIN :"schema".steps AS s ON s.id = l.stepid;

-- What belongs to a build, whole rows of each table, parents first: what --archive keeps. The request that a build answers and the
-- builder that ran it do not go with it, and are not kept. A set of builds that another build triggered or repeated stays too,
-- but forgets which build that was.

-- archive: builds
SELECT b.id AS build_key, b AS whole FROM :"schema".builds AS b;

-- archive: build_properties
SELECT p.buildid AS build_key, p AS whole FROM :"schema".build_properties AS p;

-- archive: build_data
SELECT d.buildid AS build_key, d AS whole FROM :"schema".build_data AS d;

-- archive: steps
SELECT s.buildid AS build_key, s AS whole FROM :"schema".steps AS s;

-- archive: logs
SELECT s.buildid AS build_key, l AS whole
  FROM :"schema".logs AS l
  JOIN :"schema".steps AS s ON s.id = l.stepid;

-- archive: logchunks
SELECT s.buildid AS build_key, c AS whole
  FROM :"schema".logchunks AS c
  JOIN :"schema".logs AS l ON l.id = c.logid
  JOIN :"schema".steps AS s ON s.id = l.stepid;

-- archive: test_result_sets
SELECT t.buildid AS build_key, t AS whole FROM :"schema".test_result_sets AS t;

-- archive: test_results
SELECT t.buildid AS build_key, r AS whole
  FROM :"schema".test_results AS r
  JOIN :"schema".test_result_sets AS t ON t.id = r.test_result_setid;

-- archive: buildsets
SELECT t.parent_buildid AS build_key, t AS whole FROM :"schema".buildsets AS t
UNION ALL
SELECT t.rebuilt_buildid AS build_key, t AS whole FROM :"schema".buildsets AS t
 WHERE t.rebuilt_buildid IS DISTINCT FROM t.parent_buildid;
