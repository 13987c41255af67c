-- profile: circleci
-- title: CircleCI build database (API v1.1 names)
-- unit: bytes
-- yields: queued, not_run, not_running, running, finished
-- queue: elsewhere
-- running: lost
-- max-run-time: 5h
-- row-version: b.xmin
-- known: own schema
-- admin-paths: nREPL, console, HTTP
--
-- What:  presents the reference build database as build, step, chunk and object.
-- For:   CircleCI Server and its kin, and as a pattern for a profile of your own.
-- Why:   nobody's schema is public or stable, so the names and meanings are those of the API v1.1 build document.
--        Copy this file, change the tables, and pass it by --profile FILE.
--        What ran at the backup is lost: no agent continues it. The queue is a message broker, which may or may not have come back with
--        the backup; so a waiting build is deletable only once builds that were queued after the restore have started.
--
-- A project's builds live under https://HOST/VCS/ORG/PROJECT/NUMBER. The database holds the whole address; where the
-- server has been restored under another name, --base-url https://NEW-HOST rebuilds it. Each version control system counts the
-- builds of a project from 1: numbered_in says within what a number means one build. It may be left out where that is the project.

-- relation: build
SELECT b.build_id                             AS build_key,
       CASE WHEN nullif(current_setting('halfbuilt.base_url', true), '') IS NULL THEN b.build_url
            ELSE concat_ws('/', rtrim(current_setting('halfbuilt.base_url', true), '/'),
                           CASE b.vcs_type WHEN 'github' THEN 'gh' WHEN 'bitbucket' THEN 'bb' ELSE b.vcs_type END,
                           b.username, b.reponame, b.build_num)
       END                                    AS build_url,
       b.username || '/' || b.reponame        AS project,
       b.build_num                            AS build_num,
       concat_ws('/', b.vcs_type, b.username, b.reponame) AS numbered_in,
       CASE b.lifecycle WHEN 'scheduled' THEN 'queued' ELSE b.lifecycle END AS lifecycle,
       b.status                               AS status,
       b.queued_at                            AS queued_at,
       b.start_time                           AS started_at,
       b.stop_time                            AS stopped_at,
       :row_version                           AS row_version
  FROM :"schema".builds AS b;

-- In CircleCI a step runs as one action in each parallel container; an action is what has output. The containers
-- after the first are told apart by a number behind a dot: 4, 4.1, 4.2.
--
-- step_id is the same as a number, NULL where it does not fit; with it the sums over all output are quicker. stored_at, when
-- a piece was stored, is a sign of life. Both may be left out.
--
-- No value that a column can hold may end the whole scan: the end of a piece that no bigint can say is the last one that it can say.
--
-- `truncated` is the CI's own size cap. Such an action records as its size what it stored, so it is whole.
-- API v1.1 has no word for "the output ended": output_closed is NULL.

-- relation: step
SELECT a.build_id                             AS build_key,
       CASE a.index WHEN 0 THEN a.step::text ELSE a.step || '.' || a.index END AS step_key,
       CASE WHEN (a.step | a.index) >> 16 = 0 THEN a.step << 16 | a.index END AS step_id,
       coalesce(a.name, s.name)               AS name,
       a.start_time                           AS started_at,
       a.end_time                             AS stopped_at,
       a.has_output                           AS has_output,
       a.output_size                          AS output_size,
       NULL::boolean                          AS output_closed
  FROM :"schema".actions AS a
  LEFT JOIN :"schema".steps AS s ON s.build_id = a.build_id AND s.step = a.step;

-- relation: chunk
SELECT o.build_id                             AS build_key,
       CASE o.index WHEN 0 THEN o.step::text ELSE o.step || '.' || o.index END AS step_key,
       CASE WHEN (o.step | o.index) >> 16 = 0 THEN o.step << 16 | o.index END AS step_id,
       o.first_byte                           AS first,
       CASE WHEN o.first_byte BETWEEN -4611686018427387904 AND 4611686018427387903 THEN o.first_byte + o.size
            WHEN o.first_byte + o.size::numeric > 0 THEN least(o.first_byte + o.size::numeric, 9223372036854775807)::bigint
            WHEN o.first_byte + o.size::numeric <= 0 THEN greatest(o.first_byte + o.size::numeric, -9223372036854775808)::bigint
       END                                    AS next,
       o.time                                 AS stored_at
  FROM :"schema".output AS o;

-- relation: object
SELECT f.build_id                             AS build_key,
       NULL::text                             AS step_key,
       'artifact'::text                       AS kind,
       f.storage_key                          AS key,
       f.size                                 AS size
  FROM :"schema".artifacts AS f;

-- What belongs to a build, whole rows of each table: what --archive keeps before a build is deleted. build_key says to which build
-- a row belongs, `whole` is the row itself (its table's alias), so that a column that is added later is kept too. Parents stand
-- first: in this order the rows can be put back. The files that artifacts name are in object storage, and not kept.

-- archive: builds
SELECT b.build_id AS build_key, b AS whole FROM :"schema".builds AS b;

-- archive: steps
SELECT s.build_id AS build_key, s AS whole FROM :"schema".steps AS s;

-- archive: actions
SELECT a.build_id AS build_key, a AS whole FROM :"schema".actions AS a;

-- archive: output
SELECT o.build_id AS build_key, o AS whole FROM :"schema".output AS o;

-- archive: artifacts
SELECT f.build_id AS build_key, f AS whole FROM :"schema".artifacts AS f;
