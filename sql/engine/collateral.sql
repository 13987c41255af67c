-- What is counted to notice that a server deletes more builds than it was asked to.
-- A part begins with its name. The program runs it alone, or as a piece of a longer statement.
-- `:name` stands for a piece of SQL that the program fills in, as psql does: psql -v name=...
-- `$1` and the like are parameters; psql has \bind for them.

-- part: counted
-- What:  how many builds some projects have ($1, picked out by :of_projects and :or_of_none): those with a time by the moment $2 (microseconds since 1970),
--        those that came later, and those without any time.
-- For:   delete, before its first deletion, after the first one, after every 1,000, and at the end.
-- Why:   builds start meanwhile, and must not hide that others are gone: what came later is counted apart. A build without any time may have
--        come later too, so each new one of these hides that one is gone. One that gets its first time meanwhile has only moved from the third
--        number to the second.
SELECT build.project,
       count(*) FILTER (WHERE seen.first <= to_timestamp(($2::bigint[])[1] / 1e6)) AS earlier,
       count(*) FILTER (WHERE seen.first > to_timestamp(($2::bigint[])[1] / 1e6)) AS later,
       count(*) FILTER (WHERE seen.first IS NULL) AS without_time
  FROM build
 CROSS JOIN LATERAL (SELECT least(build.queued_at, build.started_at, build.stopped_at) AS first) AS seen
 WHERE :of_projects :or_of_none
 GROUP BY build.project;

-- part: of_projects
-- What:  the builds of some projects, by their names.
-- For:   the part `counted`.
-- Why:   an index on the project finds them.
build.project = ANY ($1::text[])

-- part: of_project_bytes
-- What:  the same, by the bytes of their names.
-- For:   the part `counted`, where a name has bytes that are no UTF-8.
-- Why:   the server would not take such a name as text.
textsend(build.project) = ANY ($1::bytea[])

-- part: or_of_none
-- What:  also the builds without a project.
-- For:   the part `counted`, where such builds are deleted.
-- Why:   NULL equals nothing.
OR build.project IS NULL
