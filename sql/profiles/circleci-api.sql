-- profile: circleci-api
-- title: CircleCI Server, the documents of its API (halfbuilt collect)
-- unit: bytes
-- yields: queued, not_run, not_running, running, finished
-- queue: elsewhere
-- running: lost
-- max-run-time: 5h
-- rows: copies
-- schema: halfbuilt
-- known: stand-in
-- admin-paths: nREPL, console, HTTP
--
-- What:  presents collected build documents (API v1.1) as build, step and object.
-- For:   CircleCI Server 2.x to 4.x, whose builds no SQL reaches: `halfbuilt collect` keeps what its API says in schema halfbuilt.
-- Why:   what a document means is said here and nowhere else, so that it can be replaced: copy this file and pass it by --profile FILE.
--        A document is text from outside. No value in it may end a scan: a time is read only where it certainly is one, a number only
--        where it fits, and what is something else than expected is as if it were absent.
--        There is no relation chunk: the API says nothing of what is stored, and no size is on record. So damage shows by open actions
--        and by times, and whether output was cut is not checked.
--        Only the builds of the latest collection are presented, those with a document that can be read, and that the server has not
--        proved to be gone. What these were, the section run-again says: branch, commit, workflow and job of each, so that somebody can
--        run it again.

-- collection: documents
SELECT c.collection_id::text                  AS collection,
       c.source                               AS source,
       c.began_at                             AS began_at,
       c.ended_at                             AS ended_at,
       c.since                                AS since,
       c.lists_all                            AS lists_all,
       c.token_user                           AS token_user,
       (SELECT min(d.fetched_at) FROM :"schema".document AS d
         WHERE d.collection_id = c.collection_id AND d.head IS NOT NULL AND d.gone_at IS NULL) AS fetched_from,
       (SELECT max(d.fetched_at) FROM :"schema".document AS d
         WHERE d.collection_id = c.collection_id AND d.head IS NOT NULL AND d.gone_at IS NULL) AS fetched_to,
       (SELECT count(*) FROM :"schema".document AS d
         WHERE d.collection_id = c.collection_id AND d.head IS NOT NULL AND d.gone_at IS NULL) AS builds,
       c.nameless + (SELECT count(*) FROM :"schema".document AS d
         WHERE d.collection_id = c.collection_id AND d.head IS NULL AND d.gone_at IS NULL)     AS unread,
       (SELECT count(*) FROM :"schema".document AS d
         WHERE d.collection_id = c.collection_id AND d.gone_at IS NOT NULL)                    AS gone
  FROM :"schema".collection AS c
 WHERE c.collection_id = (SELECT max(latest.collection_id) FROM :"schema".collection AS latest);

-- A build is over for ever though its lifecycle says queued, scheduled or not_running, where it has an outcome or a stop, was canceled,
-- was not run, or says why it is not built. What waits in the usage queue has no queued_at yet: then usage_queued_at is when it was asked
-- for. It is used for nothing else: other clocks write it, and it is often later than the start.
--
-- The number is that of the address, by which an index of the table finds it: a build is read again before and after its deletion.
-- The long pattern takes what PostgreSQL certainly reads as a time: a day that exists, with a time of day and a zone. A time that is there
-- and is none is infinity, which is not on record either: such a build is never deletable, since nothing follows from what cannot be read.
-- An empty text is as good as none. Retention leaves a sound build with `steps: []`, and has_artifacts false: may_be_expired says that.
-- `#> '{}'` (the value itself) with OFFSET 0 unpacks a document once, not once for each of its fields.

-- relation: build
SELECT d.build_url                            AS build_key,
       CASE WHEN nullif(current_setting('halfbuilt.base_url', true), '') IS NULL THEN d.build_url
            ELSE rtrim(current_setting('halfbuilt.base_url', true), '/') || '/' || url.path
       END                                    AS build_url,
       coalesce(f.username || '/' || f.reponame,
                nullif(split_part(url.path, '/', 2), '') || '/' || nullif(split_part(url.path, '/', 3), '')) AS project,
       substring(d.build_url FROM '/([0-9]{1,18})$')::bigint AS build_num,
       substring(url.path FROM '^(.*)/[^/]*$') AS numbered_in,
       state.lifecycle                        AS lifecycle,
       f.status                               AS status,
       CASE WHEN state.lifecycle IN ('queued', 'not_running') AND nullif(f.queued_at, '') IS NULL AND nullif(f.start_time, '') IS NULL
            THEN time.usage_queued_at ELSE time.queued_at END AS queued_at,
       time.start_time                        AS started_at,
       time.stop_time                         AS stopped_at,
       d.fetched_at                           AS fetched_at,
       CASE WHEN f.has_artifacts = 'true' THEN false WHEN d.steps = '[]' THEN true END AS may_be_expired
  FROM :"schema".document AS d
 CROSS JOIN LATERAL (SELECT d.head #> '{}' AS it OFFSET 0) AS head
 CROSS JOIN LATERAL jsonb_to_record(CASE jsonb_typeof(head.it) WHEN 'object' THEN head.it ELSE '{}' END)
                 AS f (username text, reponame text, lifecycle text, status text, outcome text, canceled text, dont_build text,
                       usage_queued_at text, queued_at text, start_time text, stop_time text, has_artifacts text)
 CROSS JOIN LATERAL (SELECT regexp_replace(d.build_url, '^[a-z]+://[^/]*/', '') AS path) AS url
 CROSS JOIN (VALUES ('^(?:[0-9]{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)'
                    '|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)'
                    'T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.][0-9]+)?(?:Z|[+-](?:0[0-9]|1[0-4]):?[0-5][0-9])$')) AS a (time)
 CROSS JOIN LATERAL (SELECT CASE WHEN f.usage_queued_at ~ a.time AND f.usage_queued_at NOT LIKE '0000%' AND octet_length(f.usage_queued_at) <= 40
                                 THEN f.usage_queued_at::timestamptz WHEN f.usage_queued_at <> '' THEN 'infinity' END AS usage_queued_at,
                            CASE WHEN f.queued_at ~ a.time AND f.queued_at NOT LIKE '0000%' AND octet_length(f.queued_at) <= 40
                                 THEN f.queued_at::timestamptz WHEN f.queued_at <> '' THEN 'infinity' END AS queued_at,
                            CASE WHEN f.start_time ~ a.time AND f.start_time NOT LIKE '0000%' AND octet_length(f.start_time) <= 40
                                 THEN f.start_time::timestamptz WHEN f.start_time <> '' THEN 'infinity' END AS start_time,
                            CASE WHEN f.stop_time ~ a.time AND f.stop_time NOT LIKE '0000%' AND octet_length(f.stop_time) <= 40
                                 THEN f.stop_time::timestamptz WHEN f.stop_time <> '' THEN 'infinity' END AS stop_time
                     OFFSET 0) AS time
 CROSS JOIN LATERAL (SELECT CASE WHEN (f.lifecycle IN ('queued', 'scheduled', 'not_running')) IS NOT TRUE THEN f.lifecycle
                                 WHEN f.status = 'not_run' OR f.dont_build <> '' THEN 'not_run'
                                 WHEN f.outcome <> '' OR f.canceled = 'true' OR f.stop_time <> '' THEN 'finished'
                                 WHEN f.lifecycle = 'scheduled' THEN 'queued'
                                 ELSE f.lifecycle END AS lifecycle) AS state
 WHERE d.collection_id = (SELECT max(c.collection_id) FROM :"schema".collection AS c)
   AND d.head IS NOT NULL
   AND d.gone_at IS NULL;

-- In CircleCI a step runs as one action in each parallel container; an action is what has output, and is the step here. Its key is the number
-- of the step, behind a dot the number of the container after the first, and behind a colon which one it is where these two repeat: 101,
-- 101.1, 101:2. Old documents do not number their steps: then the place in the document stands for the number, such as @3.
--
-- A background or insignificant action without an end is no damage: the container of a service is open for ever in sound builds. It ends
-- with its build. No size and no end of output is on record: both are NULL, so whether output was cut is not checked.
--
-- The two BETWEEN hold for every place: by them the planner expects a few actions of each build, and not a hundred thousand.

-- relation: step
SELECT d.build_url                            AS build_key,
       action.key || CASE WHEN action.ordinal > 1 THEN ':' || action.ordinal ELSE '' END AS step_key,
       action.name                            AS name,
       time.start_time                        AS started_at,
       CASE WHEN time.end_time IS NULL AND action.may_stay_open
            THEN (SELECT greatest(f.stop_time::timestamptz, time.start_time)
                    FROM (SELECT d.head ->> 'stop_time' AS stop_time) AS f
                   WHERE f.stop_time ~ a.time AND f.stop_time NOT LIKE '0000%' AND octet_length(f.stop_time) <= 40)
            ELSE time.end_time END            AS stopped_at,
       action.has_output                      AS has_output,
       NULL::bigint                           AS output_size,
       NULL::boolean                          AS output_closed
  FROM :"schema".document AS d
 CROSS JOIN LATERAL (
    SELECT numbered.key, coalesce(e.it ->> 'name', e.step_name) AS name, e.it ->> 'start_time' AS start_time, e.it ->> 'end_time' AS end_time,
           e.it ->> 'background' = 'true' OR e.it ->> 'insignificant' = 'true' AS may_stay_open,
           CASE e.it ->> 'has_output' WHEN 'true' THEN true WHEN 'false' THEN false END AS has_output,
           row_number() OVER (PARTITION BY numbered.key ORDER BY (e.it ->> 'start_time') COLLATE "C", e.step, e.action) AS ordinal
      FROM (SELECT s.it ->> 'name' AS step_name, s.place - 1 AS step,
                   jsonb_array_elements(actions.it) AS it, generate_series(0, jsonb_array_length(actions.it) - 1) AS action
              FROM (SELECT d.steps #> '{}' AS it OFFSET 0) AS steps
             CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(steps.it) WHEN 'array' THEN steps.it ELSE '[]' END)
                                WITH ORDINALITY AS s (it, place)
             CROSS JOIN LATERAL (SELECT CASE jsonb_typeof(s.it -> 'actions') WHEN 'array' THEN s.it -> 'actions' ELSE '[]' END AS it OFFSET 0)
                     AS actions
             WHERE s.place BETWEEN 1 AND 1000000000) AS e
     CROSS JOIN LATERAL (SELECT CASE WHEN e.it ->> 'step' ~ '^[0-9]{1,9}$' THEN e.it ->> 'step' ELSE '@' || e.step END
                                  || CASE WHEN e.it ->> 'index' ~ '^[1-9][0-9]{0,8}$' THEN '.' || (e.it ->> 'index') ELSE '' END AS key) AS numbered
     WHERE e.action BETWEEN 0 AND 1000000000
 ) AS action
 CROSS JOIN (VALUES ('^(?:[0-9]{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)'
                    '|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)'
                    'T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.][0-9]+)?(?:Z|[+-](?:0[0-9]|1[0-4]):?[0-5][0-9])$')) AS a (time)
 CROSS JOIN LATERAL (SELECT CASE WHEN action.start_time ~ a.time AND action.start_time NOT LIKE '0000%' AND octet_length(action.start_time) <= 40
                                 THEN action.start_time::timestamptz WHEN action.start_time <> '' THEN 'infinity' END AS start_time,
                            CASE WHEN action.end_time ~ a.time AND action.end_time NOT LIKE '0000%' AND octet_length(action.end_time) <= 40
                                 THEN action.end_time::timestamptz WHEN action.end_time <> '' THEN 'infinity' END AS end_time
                     OFFSET 0) AS time
 WHERE d.collection_id = (SELECT max(c.collection_id) FROM :"schema".collection AS c)
   AND d.head IS NOT NULL
   AND d.gone_at IS NULL;

-- The address of an output, or of an artifact, without its query, which may be a key to it. Sizes are known where `collect --output` asked.

-- relation: object
SELECT d.build_url                            AS build_key,
       action.key || CASE WHEN action.ordinal > 1 THEN ':' || action.ordinal ELSE '' END AS step_key,
       'output'::text                         AS kind,
       split_part(action.output_url, '?', 1)  AS key,
       asked.size                             AS size
  FROM :"schema".document AS d
 CROSS JOIN LATERAL (
    SELECT numbered.key, e.step, e.action, e.it ->> 'output_url' AS output_url, e.it ->> 'has_output' AS has_output,
           row_number() OVER (PARTITION BY numbered.key ORDER BY (e.it ->> 'start_time') COLLATE "C", e.step, e.action) AS ordinal
      FROM (SELECT s.place - 1 AS step,
                   jsonb_array_elements(actions.it) AS it, generate_series(0, jsonb_array_length(actions.it) - 1) AS action
              FROM (SELECT d.steps #> '{}' AS it OFFSET 0) AS steps
             CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(steps.it) WHEN 'array' THEN steps.it ELSE '[]' END)
                                WITH ORDINALITY AS s (it, place)
             CROSS JOIN LATERAL (SELECT CASE jsonb_typeof(s.it -> 'actions') WHEN 'array' THEN s.it -> 'actions' ELSE '[]' END AS it OFFSET 0)
                     AS actions
             WHERE s.place BETWEEN 1 AND 1000000000) AS e
     CROSS JOIN LATERAL (SELECT CASE WHEN e.it ->> 'step' ~ '^[0-9]{1,9}$' THEN e.it ->> 'step' ELSE '@' || e.step END
                                  || CASE WHEN e.it ->> 'index' ~ '^[1-9][0-9]{0,8}$' THEN '.' || (e.it ->> 'index') ELSE '' END AS key) AS numbered
     WHERE e.action BETWEEN 0 AND 1000000000
 ) AS action
  LEFT JOIN :"schema".output AS asked ON asked.build_url = d.build_url AND asked.step = action.step AND asked.action = action.action
 WHERE d.collection_id = (SELECT max(c.collection_id) FROM :"schema".collection AS c)
   AND d.head IS NOT NULL
   AND d.gone_at IS NULL
   AND action.has_output = 'true'
   AND action.output_url <> ''
UNION ALL
SELECT f.build_url, NULL, 'artifact', coalesce(nullif(split_part(f.url, '?', 1), ''), f.path), f.size
  FROM :"schema".artifact AS f
  JOIN :"schema".document AS d ON d.build_url = f.build_url
 WHERE d.collection_id = (SELECT max(c.collection_id) FROM :"schema".collection AS c)
   AND d.head IS NOT NULL
   AND d.gone_at IS NULL;

-- What --archive keeps of a build before it is deleted: the copies, since the builds themselves are out of reach. Parents stand first.

-- archive: document
SELECT d.build_url AS build_key, d AS whole FROM :"schema".document AS d;

-- archive: output
SELECT o.build_url AS build_key, o AS whole FROM :"schema".output AS o;

-- archive: artifact
SELECT f.build_url AS build_key, f AS whole FROM :"schema".artifact AS f;

-- What somebody has to know to run a deleted build again; $1 are addresses. The document of a build that is gone stays, whatever collection it is
-- of. A text is taken only where the document has a text, and none that is empty; a tag stands as git writes it, refs/tags/NAME.

-- run-again: documents
SELECT d.build_url                            AS build_url,
       coalesce(nullif(f.username, '') || '/' || nullif(f.reponame, ''),
                nullif(split_part(url.path, '/', 2), '') || '/' || nullif(split_part(url.path, '/', 3), '')) AS project,
       substring(d.build_url FROM '/([0-9]{1,18})$') AS build_num,
       coalesce(nullif(f.branch, ''), 'refs/tags/' || nullif(f.vcs_tag, '')) AS branch,
       nullif(f.vcs_revision, '')             AS commit,
       nullif(f.workflow_name, '')            AS workflow,
       coalesce(nullif(f.workflow_job, ''), nullif(f.job_name, ''), nullif(f.circle_job, '')) AS job,
       CASE WHEN head.it -> 'user' ->> 'is_user' IS DISTINCT FROM 'false' THEN nullif(f.login, '') END AS started_by,
       nullif(f.subject, '')                  AS subject,
       coalesce(nullif(f.queued_at, ''), nullif(f.usage_queued_at, '')) AS queued_at
  FROM :"schema".document AS d
 CROSS JOIN LATERAL (SELECT d.head #> '{}' AS it OFFSET 0) AS head
 CROSS JOIN LATERAL (SELECT regexp_replace(d.build_url, '^[a-z]+://[^/]*/', '') AS path) AS url
 CROSS JOIN LATERAL (
    SELECT max(text.it) FILTER (WHERE field.name = 'username')        AS username,
           max(text.it) FILTER (WHERE field.name = 'reponame')        AS reponame,
           max(text.it) FILTER (WHERE field.name = 'branch')          AS branch,
           max(text.it) FILTER (WHERE field.name = 'vcs_tag')         AS vcs_tag,
           max(text.it) FILTER (WHERE field.name = 'vcs_revision')    AS vcs_revision,
           max(text.it) FILTER (WHERE field.name = 'workflow_name')   AS workflow_name,
           max(text.it) FILTER (WHERE field.name = 'workflow_job')    AS workflow_job,
           max(text.it) FILTER (WHERE field.name = 'job_name')        AS job_name,
           max(text.it) FILTER (WHERE field.name = 'circle_job')      AS circle_job,
           max(text.it) FILTER (WHERE field.name = 'login')           AS login,
           max(text.it) FILTER (WHERE field.name = 'subject')         AS subject,
           max(text.it) FILTER (WHERE field.name = 'queued_at')       AS queued_at,
           max(text.it) FILTER (WHERE field.name = 'usage_queued_at') AS usage_queued_at
      FROM (VALUES ('username', head.it -> 'username'), ('reponame', head.it -> 'reponame'), ('branch', head.it -> 'branch'),
                   ('vcs_tag', head.it -> 'vcs_tag'), ('vcs_revision', head.it -> 'vcs_revision'),
                   ('workflow_name', head.it -> 'workflows' -> 'workflow_name'), ('workflow_job', head.it -> 'workflows' -> 'job_name'),
                   ('job_name', head.it -> 'job_name'), ('circle_job', head.it -> 'build_parameters' -> 'CIRCLE_JOB'),
                   ('login', head.it -> 'user' -> 'login'), ('subject', head.it -> 'subject'), ('queued_at', head.it -> 'queued_at'),
                   ('usage_queued_at', head.it -> 'usage_queued_at')) AS field (name, it)
     CROSS JOIN LATERAL (SELECT CASE jsonb_typeof(field.it) WHEN 'string' THEN left(field.it #>> '{}', 1001) END COLLATE "C" AS it) AS text
 ) AS f
 WHERE d.build_url = ANY ($1::text[]);
