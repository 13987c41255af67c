-- profile: standby
-- title: one stuck build, whose status tells which server this is
-- relation: build
SELECT 1                                      AS build_key,
       NULL::text                             AS build_url,
       'tests/standby'::text                  AS project,
       1                                      AS build_num,
       'running'::text                        AS lifecycle,
       'port ' || current_setting('port')     AS status,
       NULL::timestamptz                      AS queued_at,
       '2026-11-20T01:00:00Z'::timestamptz    AS started_at,
       NULL::timestamptz                      AS stopped_at;
