-- profile: tls
-- title: one stuck build, whose status tells whether this connection is encrypted
-- relation: build
SELECT 1                                      AS build_key,
       NULL::text                             AS build_url,
       'tests/tls'::text                      AS project,
       1                                      AS build_num,
       'running'::text                        AS lifecycle,
       CASE WHEN ssl THEN 'encrypted' ELSE 'plain' END AS status,
       NULL::timestamptz                      AS queued_at,
       '2026-11-20T01:00:00Z'::timestamptz    AS started_at,
       NULL::timestamptz                      AS stopped_at
  FROM pg_stat_ssl
 WHERE pid = pg_backend_pid();
