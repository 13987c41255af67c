-- What:  how many builds each project has.
-- For:   the choice of projects by --project, and to say how much was looked at.
-- Why:   where nothing was looked at, nothing is clean.
SELECT build.project, count(*) AS builds FROM build GROUP BY build.project;
