-- profile: buildbot
-- title: Buildbot 4 master database
-- unit: lines
--
-- What:  presents a Buildbot master's tables as build, step and chunk.
-- For:   a Buildbot master whose database has been restored; read from a real one, Buildbot 4.3.0.
-- Why:   times there are whole seconds since 1970 (UTC), a project is a builder, and a step has any number of logs.
--        A finished log with no line, and a step without a log, are no damage. A log of type d was deleted on purpose:
--        it keeps its number of lines and has no output any more. A log that was cut agrees with itself; only its
--        complete = 0 tells.
--        There is no relation object: a master keeps no files elsewhere that its database knows of.
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
       to_timestamp(b.complete_at)            AS stopped_at
  FROM builds AS b
  LEFT JOIN builders AS r ON r.id = b.builderid
  LEFT JOIN buildrequests AS q ON q.id = b.buildrequestid;

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
  FROM steps AS s
  LEFT JOIN logs AS l ON l.stepid = s.id;

-- relation: chunk
SELECT s.buildid                              AS build_key,
       s.number || '/' || l.slug              AS step_key,
       c.first_line                           AS first,
       c.last_line + 1                        AS next
  FROM logchunks AS c
  LEFT JOIN logs AS l ON l.id = c.logid
  LEFT JOIN steps AS s ON s.id = l.stepid;
