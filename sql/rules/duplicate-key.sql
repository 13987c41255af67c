-- rule: duplicate-key
-- title: two rows share a key
-- needs: build
-- deletable: never
-- prefilter: keys
--
-- What:  keys of builds that stand for several rows, keys of steps that do so within their build, and builds without a key.
-- For:   scan, verify and delete, which never deletes a build of several rows: nobody knows which of them is the right one.
-- Why:   an index that was damaged, or built under other collation rules, does not see that a key is taken; and a restore that runs twice
--        stores each row twice. Where a join of the profile doubles rows, the setting halfbuilt.doubled_by says so.
-- Not:   two builds with keys of their own that share a number or an address (duplicate-number); steps without a key. Where the profile
--        has no steps, it looks at builds alone.
WITH keyed AS MATERIALIZED (
    -- So many columns are in no index: a damaged one does not show what the table holds twice.
    SELECT build.build_key, build.build_url, build.project, build.build_num, build.lifecycle, build.status,
           build.raw_queued_at, build.raw_started_at, build.raw_stopped_at
      FROM build
), same_build AS (
    SELECT keyed.build_key, count(*) AS rows FROM keyed WHERE keyed.build_key IS NOT NULL GROUP BY keyed.build_key HAVING count(*) > 1
), build_cell AS (
    SELECT keyed.build_key, cell.place, cell.name
      FROM same_build
      JOIN keyed ON keyed.build_key = same_build.build_key
     CROSS JOIN LATERAL (VALUES (1, 'build_url', keyed.build_url), (2, 'project', keyed.project), (3, 'build_num', keyed.build_num::text),
                                (4, 'lifecycle', keyed.lifecycle), (5, 'status', keyed.status),
                                (6, 'queued_at', keyed.raw_queued_at::text), (7, 'started_at', keyed.raw_started_at::text),
                                (8, 'stopped_at', keyed.raw_stopped_at::text)) AS cell (place, name, value)
     GROUP BY keyed.build_key, cell.place, cell.name
    HAVING count(DISTINCT coalesce('=' || cell.value, '') COLLATE "C") > 1
), build_differs AS (
    SELECT build_cell.build_key, string_agg(build_cell.name, ', ' ORDER BY build_cell.place) AS columns
      FROM build_cell
     GROUP BY build_cell.build_key
), stepped AS MATERIALIZED (
    SELECT step.build_key, step.step_key, step.name, step.has_output, step.output_size, step.output_closed,
           step.raw_started_at, step.raw_stopped_at
      FROM step
     WHERE step.build_key IS NOT NULL AND step.step_key IS NOT NULL
), same_step AS (
    SELECT stepped.build_key, stepped.step_key, min(stepped.name) AS name, count(*) AS rows
      FROM stepped
     GROUP BY stepped.build_key, stepped.step_key
    HAVING count(*) > 1
), step_cell AS (
    SELECT stepped.build_key, stepped.step_key, cell.place, cell.name
      FROM same_step
      JOIN stepped ON stepped.build_key = same_step.build_key AND stepped.step_key = same_step.step_key
     CROSS JOIN LATERAL (VALUES (1, 'name', stepped.name), (2, 'started_at', stepped.raw_started_at::text),
                                (3, 'stopped_at', stepped.raw_stopped_at::text), (4, 'has_output', stepped.has_output::text),
                                (5, 'output_size', stepped.output_size::text), (6, 'output_closed', stepped.output_closed::text))
                     AS cell (place, name, value)
     GROUP BY stepped.build_key, stepped.step_key, cell.place, cell.name
    HAVING count(DISTINCT coalesce('=' || cell.value, '') COLLATE "C") > 1
), step_differs AS (
    SELECT step_cell.build_key, step_cell.step_key, string_agg(step_cell.name, ', ' ORDER BY step_cell.place) AS columns
      FROM step_cell
     GROUP BY step_cell.build_key, step_cell.step_key
), seen AS (
    SELECT same_build.build_key, 1 AS place, ''::text AS step_key,
           same_build.rows || ' rows have the key ' || same_build.build_key
             || coalesce(', and differ in ' || build_differs.columns, ', alike in all columns')
             || CASE current_setting('halfbuilt.doubled_by', true)
                     WHEN 'join'    THEN ': the table holds it once, and a join of the profile finds several rows'
                     WHEN 'both'    THEN ': the table holds it more than once, or a join of the profile finds several rows'
                     WHEN 'unknown' THEN ': whether the table holds it more than once, or a join of the profile finds several rows, is not known'
                     ELSE '' END AS evidence
      FROM same_build
      LEFT JOIN build_differs ON build_differs.build_key = same_build.build_key
    UNION ALL
    SELECT NULL, 2, '', count(*) || CASE count(*) WHEN 1 THEN ' row has' ELSE ' rows have' END || ' no key: '
             || array_to_string((array_agg(coalesce(keyed.build_url, 'number ' || keyed.build_num, 'no address')
                                           ORDER BY keyed.build_url COLLATE "C", keyed.build_num))[1:5], ', ')
             || CASE WHEN count(*) > 5 THEN ' and ' || (count(*) - 5) || ' more' ELSE '' END
      FROM keyed
     WHERE keyed.build_key IS NULL
    HAVING count(*) > 0
    UNION ALL
    SELECT same_step.build_key, 3, same_step.step_key::text,
           'step ' || same_step.step_key || coalesce(' "' || same_step.name || '"', '') || ': ' || same_step.rows || ' rows have its key'
             || coalesce(', and differ in ' || step_differs.columns, ', alike in all columns')
      FROM same_step
      LEFT JOIN step_differs ON step_differs.build_key = same_step.build_key AND step_differs.step_key = same_step.step_key
     WHERE same_step.build_key IN (SELECT keyed.build_key FROM keyed)
)
SELECT seen.build_key, seen.evidence FROM seen ORDER BY seen.build_key, seen.place, seen.step_key COLLATE "C";
