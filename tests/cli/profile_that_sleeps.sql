-- profile: slow
-- title: the reference builds, which are read for ten minutes
-- relation: build
SELECT b.build_id                             AS build_key,
       b.build_url                            AS build_url,
       'tests/slow'::text                     AS project,
       b.build_num                            AS build_num,
       'running'::text                        AS lifecycle,
       b.status                               AS status,
       b.queued_at                            AS queued_at,
       b.start_time                           AS started_at,
       NULL::timestamptz                      AS stopped_at
  FROM (SELECT pg_sleep(600)) AS a_while, :"schema".builds AS b;
