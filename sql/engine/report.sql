-- The statement that gives the report: the rows of each rule, what they come to for each build, and all that is said of that build.
-- A part begins with its name. The program runs it alone, or as a piece of a longer statement (`halfbuilt rules --composed` prints these).
-- `:name` stands for a piece of SQL that the program fills in, as psql does: psql -v name=...

-- part: finding
-- What:  the rows of one rule, under its name and in its own order.
-- For:   every rule; the relation finding is all of them, joined by UNION ALL.
-- Why:   in psql: -v rule="'NAME'" -v rank=1 -v rows=TABLE -v obstacle=NULL::text, or named.obstacle for a rule that says row by row why a
--        build must not be deleted.
SELECT :rule AS rule, :rank AS rule_rank, named.build_key,
       coalesce(named.evidence, 'the rule gave no evidence') AS evidence, row_number() OVER () AS position,
       :obstacle AS obstacle
  FROM :rows AS named;

-- part: explained
-- What:  the builds that one rule found.
-- For:   each rule but those that report only what no other rule explains; the relation explained is all of them, joined by UNION ALL.
-- Why:   in psql: -v rows=TABLE.
SELECT named.build_key FROM :rows AS named;

-- part: nothing_explained
-- What:  stands in for the relation explained where a scan runs no other rule.
-- For:   the part `unexplained`.
-- Why:   then each build that such a rule found is unexplained.
SELECT build.build_key FROM build WHERE false;

-- part: unexplained
-- What:  the rows of a rule that reports only what no other rule explains: those of builds that no other rule found.
-- For:   rules with the header `finds: what no other rule explains`.
-- Why:   such a rule is a net under the others. What one of them has found needs no second reason. In psql: -v rows=TABLE.
SELECT named.* FROM :rows AS named WHERE NOT EXISTS (SELECT FROM explained WHERE explained.build_key = named.build_key);

-- part: no_finding
-- What:  stands in for the relation finding where no rule is run.
-- For:   the steps and the output of builds that have been found already.
-- Why:   the report is one statement for all who read builds.
SELECT NULL::text AS rule, NULL::integer AS rule_rank, build.build_key, NULL::text AS evidence, NULL::bigint AS position, NULL::text AS obstacle
  FROM build
 WHERE false;

-- part: baseline
-- What:  the builds that differ from a manifest, as if a rule had found them: :projects names projects, and for each build :places holds the place
--        of its project, :numbers its number, and :evidence the difference.
-- For:   verify --baseline: the report shows baseline-changed and baseline-extra beside the rules that fired on the same build.
-- Why:   the report is one statement, which joins the reasons of a build and sorts. Where builds share a number, nobody can say which of them
--        differs: as many are reported as differ, each as one of all. In psql: -v projects="'{acme/api}'::text[]" ...
SELECT build_key,
       CASE WHEN builds > 1 THEN 'one of the ' || builds || ' builds of this number: ' ELSE '' END || evidence AS evidence
  FROM (SELECT build.build_key, listed.evidence, listed.which,
               row_number() OVER (PARTITION BY listed.place, listed.number, listed.which ORDER BY build.build_key) AS nth,
               count(*) OVER (PARTITION BY listed.place, listed.number, listed.which) AS builds
          FROM (SELECT place, number, evidence, row_number() OVER (PARTITION BY place, number) AS which
                  FROM unnest(:places, :numbers, :evidence) AS found (place, number, evidence)) AS listed
          JOIN build ON build.project = (:projects)[listed.place] AND build.build_num = listed.number) AS named
 WHERE nth = which;

-- part: judged
-- What:  one row for each build in which a rule fired: the rules in order, the first five things that each has seen, and each rule's own reason
--        against deleting the build, '' where it has none.
-- For:   the relation subject.
-- Why:   a build with a thousand damaged steps is one row that a person can read. A finding whose build does not exist, or has no key, stays a
--        row: it must not vanish.
WITH seen AS (
    SELECT finding.build_key, finding.rule, finding.rule_rank, count(*) AS times,
           (array_agg(finding.evidence ORDER BY finding.position))[1:5] AS shown,
           CASE WHEN count(finding.obstacle) = count(*) THEN min(finding.obstacle COLLATE "C") END AS obstacle
      FROM finding
     GROUP BY finding.build_key, finding.rule, finding.rule_rank
)
SELECT seen.build_key,
       array_agg(seen.rule ORDER BY seen.rule_rank) AS reasons,
       array_agg(coalesce(seen.obstacle, '') ORDER BY seen.rule_rank) AS obstacles,
       string_agg(array_to_string(seen.shown, '; ')
                  || CASE WHEN seen.times > 5 THEN '; and ' || (seen.times - 5) || ' more' ELSE '' END,
                  '; ' ORDER BY seen.rule_rank) AS evidence
  FROM seen
 GROUP BY seen.build_key;

-- part: subject_found
-- What:  the builds that a scan of everything reports: those in which a rule fired, even if the build itself does not exist.
-- For:   scan and verify.
-- Why:   everything else in the report is read for these builds only.
SELECT judged.build_key, judged.reasons, judged.obstacles, judged.evidence FROM judged;

-- part: subject_found_in_projects
-- What:  the builds that a scan of some projects reports: those in which a rule fired and that are in scope.
-- For:   scan with --project.
-- Why:   rules look at every step; what belongs to other projects, or to no build, is out of scope.
SELECT judged.build_key, judged.reasons, judged.obstacles, judged.evidence
  FROM judged
 WHERE judged.build_key IN (SELECT build.build_key FROM build);

-- part: subject_chosen
-- What:  the builds that are read again, sound or not.
-- For:   delete.
-- Why:   it must also see a build that has become sound, so as not to delete it.
SELECT chosen.build_key, judged.reasons, judged.obstacles, judged.evidence
  FROM (SELECT DISTINCT build.build_key FROM build) AS chosen
  LEFT JOIN judged ON judged.build_key = chosen.build_key;

-- part: same_address
-- What:  the builds that the rule duplicate-number found, and which number or address each shares with which others.
-- For:   the relation same_address.
-- Why:   such a build is not deletable, whichever rules a scan runs.
SELECT named.build_key, coalesce(named.evidence, 'the rule gave no evidence') AS evidence FROM :rows AS named;

-- part: no_same_address
-- What:  stands in for the relation same_address where all names differ.
-- For:   the report.
-- Why:   to look for what does not exist would take a while.
SELECT build.build_key, NULL::text AS evidence FROM build WHERE false;

-- part: lost
-- What:  the builds that the rule relation-empty found.
-- For:   the relation lost.
-- Why:   no such build is deletable because of what its steps or output lack, whichever rules a scan runs.
SELECT DISTINCT named.build_key FROM :rows AS named;

-- part: no_lost
-- What:  stands in for the relation lost where no build is lost with others.
-- For:   the report.
-- Why:   to look for what does not exist would take a while.
SELECT build.build_key FROM build WHERE false;

-- part: key_of_one
-- What:  stands in for the relation doubled where each key stands for one row.
-- For:   the report.
-- Why:   to look for what does not exist would take a while.
SELECT build.build_key, NULL::bigint AS rows FROM build WHERE false;

-- part: keys_of_several
-- What:  the keys that stand for several rows of the relation build, and for how many. :every is that relation, whatever is in scope.
-- For:   the relation doubled, in a scan of a database that has such keys.
-- Why:   such a build is not deletable, whichever rules a scan runs: nobody knows which of the rows is the right one. The lifecycle is read so
--        that no index can stand in for the table: a damaged one does not show what is there twice.
WITH keyed AS MATERIALIZED (SELECT every.build_key, every.lifecycle FROM :every AS every)
SELECT keyed.build_key, count(*) AS rows FROM keyed GROUP BY keyed.build_key HAVING count(*) > 1;

-- part: keys_of_several_chosen
-- What:  the same, of the builds that are read again.
-- For:   the relation doubled; delete.
-- Why:   with few builds, an index finds their rows.
SELECT every.build_key, count(*) AS rows
  FROM :every AS every
 WHERE every.build_key IN (SELECT build.build_key FROM build)
 GROUP BY every.build_key
HAVING count(*) > 1;

-- part: build_as_it_is
-- What:  the relation build, where each key stands for one row.
-- For:   the relation one_build.
-- Why:   then there is nothing to choose from.
SELECT build.* FROM build;

-- part: one_of_several
-- What:  one row of the relation build for each key that is reported.
-- For:   the relation one_build, where a key stands for several rows.
-- Why:   the report has one row for each key. Which row it is does not matter, but it is always the same.
SELECT DISTINCT ON (build.build_key) build.*
  FROM build
 WHERE build.build_key IN (SELECT subject.build_key FROM subject)
 ORDER BY build.build_key, build::text COLLATE "C";

-- part: resembling
-- What:  the builds that are reported and that another build resembles: its name or its address differs in nothing but the case of letters.
--        :every is the relation build, whatever is in scope.
-- For:   the relation resembling; scan and verify.
-- Why:   forges and servers take such names for one, so to delete one by its address may delete the other.
WITH found AS (
    SELECT build.build_key, build.build_num, build.numbered_in, build.build_url
      FROM build
     WHERE build.build_key IN (SELECT subject.build_key FROM subject)
), other AS (
    SELECT found.build_key, every.build_url, every.project, every.build_num
      FROM found
      JOIN :every AS every ON lower(every.numbered_in COLLATE "C") = lower(found.numbered_in COLLATE "C") AND every.build_num = found.build_num
     WHERE every.numbered_in <> found.numbered_in COLLATE "C"
    UNION ALL
    SELECT found.build_key, every.build_url, every.project, every.build_num
      FROM found
      JOIN :every AS every ON lower(every.build_url COLLATE "C") = lower(found.build_url COLLATE "C")
     WHERE every.build_url <> found.build_url COLLATE "C"
)
SELECT other.build_key, min(left(coalesce(other.build_url, 'build ' || other.build_num || ' of ' || other.project), 4096) COLLATE "C") AS other
  FROM other
 GROUP BY other.build_key;

-- part: no_resembling
-- What:  stands in for the relation resembling where names differ in more than letters, and in delete, which compares them itself.
-- For:   the report.
-- Why:   to look for what does not exist would take a while.
SELECT build.build_key, NULL::text AS other FROM build WHERE false;

-- part: shared_path
-- What:  the builds that are reported and whose :column means to a server what another build's does: which one, and how many have it. :every is
--        the relation build, whatever is in scope, and :meaning a part `meaning_of_path`.
-- For:   the relation shared_path, for each column with paths that a profile gives; scan, verify, and delete while it plans.
-- Why:   a request for one of them would delete or cancel another. A path that is too long is none, and is never sent. :all_paths are the parts
--        `paths_of_column` of all columns: the path by which one build is cancelled may be that by which another one is deleted.
SELECT meant.build_key,
       taken.builds || ' builds have the :word ' || taken.path || ' (keys ' || array_to_string(taken.keys, ', ')
         || CASE WHEN taken.builds > 5 THEN ' and ' || (taken.builds - 5) || ' more' ELSE '' END || ')' AS evidence
  FROM (SELECT every.build_key, :meaning AS path
          FROM :every AS every
         WHERE every.build_key IN (SELECT subject.build_key FROM subject) AND octet_length(every.:column) <= 2048) AS meant
  JOIN (SELECT all_of_them.path, count(*) AS builds,
               (array_agg(all_of_them.build_key::text ORDER BY all_of_them.build_key))[1:5] AS keys
          FROM (:all_paths) AS all_of_them
         GROUP BY all_of_them.path
        HAVING count(*) > 1
           AND (count(all_of_them.build_key) < count(*)
                OR min(all_of_them.build_key::text COLLATE "C") <> max(all_of_them.build_key::text COLLATE "C"))) AS taken
    ON taken.path = meant.path;

-- part: paths_of_column
-- What:  the keys of all builds, and what the paths of one column mean to a server.
-- For:   the part `shared_path`, which joins those of several columns by UNION: two paths of one build may be the same.
-- Why:   in psql: -v every=build -v column=delete_path -v meaning=delete_path
SELECT every.build_key, :meaning AS path FROM :every AS every WHERE octet_length(every.:column) <= 2048

-- part: meaning_of_path
-- What:  what a path means to a server, however it is written: decoded as far as it is ASCII, in lower case, without a slash at its end.
-- For:   the part `shared_path`.
-- Why:   /a%2Db and /a-b are one path to most servers. JSON has an escape for each character, by which the server decodes.
lower(rtrim(CASE WHEN every.:column ~ '^[ !#-\[\]-~]*%[ !#-\[\]-~]*$'
                 THEN ('"' || regexp_replace(every.:column, '%([2-7][0-9A-Fa-f])', '\\u00\1', 'g') || '"')::json #>> '{}'
                 ELSE every.:column END, '/') COLLATE "C")

-- part: no_shared_path
-- What:  stands in for the relation shared_path where a few builds are read again.
-- For:   delete, just before and just after each deletion; it has looked while it planned.
-- Why:   no index finds a path, so all builds would be read each time.
SELECT build.build_key, NULL::text AS evidence FROM build WHERE false;

-- part: path_read
-- What:  one column with paths, :column.
-- For:   the part `report`, where a profile has such a column.
-- Why:   a profile without one is asked for nothing more.
, build.:column

-- part: path_shown
-- What:  the same as it crosses the wire: one byte more than the longest path, of a text that is longer.
-- For:   the part `report`, and profiles --check. :of is the relation.
-- Why:   a text may be of a gigabyte, and one that was cut is no path.
, left(:of.:column, 2049) AS :column

-- part: shared_path_shown
-- What:  which paths a build shares, and with how many.
-- For:   the part `report`.
-- Why:   such a build is not deletable.
, CASE WHEN octet_length(path.evidence) <= 16384 THEN path.evidence ELSE left(path.evidence, 4000) || '...' END AS shares_path

-- part: shared_path_joined
-- What:  joins what a build shares to its row.
-- For:   the part `report`.
-- Why:   a build may share two paths, and has one row.

  LEFT JOIN (SELECT shared_path.build_key, string_agg(shared_path.evidence, ' and ') AS evidence FROM shared_path GROUP BY shared_path.build_key) AS path
         ON path.build_key = timed.build_key

-- part: report
-- What:  one row for each build of the relation subject, with all that the report says of it.
-- For:   scan, verify and delete.
-- Why:   :steps and :pieces are the relations step and chunk, or nothing of them where they are looked up build by build. In psql: -v
--        steps=step -v pieces=chunk. The database counts, adds up and sorts; the program only passes the rows on. Steps and output are read for the reported builds only. A
--        time that is not on record is NULL in these relations (relations.sql); off_record holds what was written in its place, and in_future
--        says whether any such value lies in the future.
--        Of a text of more than 4 KiB (evidence: 16 KiB) only the beginning crosses the wire, with its length and a digest, by which a
--        fingerprint still sees every change. A cut address is no address any more: nothing is found by it. (To append nothing to a text reads
--        it before the rows are sorted: damage then shows before the first row is on its way.)
WITH setting AS (
    SELECT nullif(current_setting('halfbuilt.backup_time', true), '')::timestamptz AS backup_time,
           now() + interval '10 minutes' AS ahead
), step_total AS (
    SELECT step.build_key,
           count(*) AS steps,
           count(*) FILTER (WHERE step.started_at IS NOT NULL AND step.stopped_at IS NULL) AS steps_unfinished,
           CASE WHEN count(step.output_size) FILTER (WHERE step.has_output) > 0
                THEN greatest(least(sum(step.output_size) FILTER (WHERE step.has_output), 9223372036854775807), -9223372036854775808)::bigint
           END AS output_expected,
           max(step.started_at) AS last_started_at,
           greatest(max(step.started_at), max(step.stopped_at)) AS last_seen,
           greatest(max(step.started_at) FILTER (WHERE step.started_at <= setting.backup_time),
                    max(step.stopped_at) FILTER (WHERE step.stopped_at <= setting.backup_time)) AS last_seen_by_backup,
           bool_or(greatest(step.raw_started_at, step.raw_stopped_at) > setting.ahead) AS in_future
      FROM :steps AS step
     CROSS JOIN setting
     WHERE step.build_key IN (SELECT subject.build_key FROM subject)
     GROUP BY step.build_key
), chunk_total AS (
    SELECT chunk.build_key,
           -- A piece of unknown place, or that ends before it begins, holds nothing.
           least(sum(greatest(chunk.next::numeric - chunk.first, 0)), 9223372036854775807)::bigint AS output_stored,
           max(chunk.stored_at) AS last_seen,
           max(chunk.stored_at) FILTER (WHERE chunk.stored_at <= setting.backup_time) AS last_seen_by_backup,
           bool_or(chunk.raw_stored_at > setting.ahead) AS in_future
      FROM :pieces AS chunk
     CROSS JOIN setting
     WHERE chunk.build_key IN (SELECT subject.build_key FROM subject)
     GROUP BY chunk.build_key
), timed AS (
    SELECT subject.build_key, subject.reasons, subject.obstacles, subject.evidence,
           build.build_url, build.project, build.build_num::bigint AS build_num, build.lifecycle, build.status,
           build.queued_at, build.started_at, build.stopped_at, build.build_key IS NOT NULL AS is_there, doubled.rows AS rows_of_key,
           build.row_version,
           CASE WHEN build.build_num IS NULL THEN left(build.raw_build_num, 200) END AS odd_number,
           concat_ws('; ', CASE WHEN build.build_num  IS NULL THEN 'number '  || left(build.raw_build_num, 200) END,
                           CASE WHEN build.queued_at  IS NULL THEN 'queued '  || build.raw_queued_at::text  END,
                           CASE WHEN build.started_at IS NULL THEN 'started ' || build.raw_started_at::text END,
                           CASE WHEN build.stopped_at IS NULL THEN 'stopped ' || build.raw_stopped_at::text END) AS off_record,
           greatest(build.raw_queued_at, build.raw_started_at, build.raw_stopped_at) > setting.ahead AS in_future:paths_read
      FROM subject
     CROSS JOIN setting
      LEFT JOIN one_build AS build ON build.build_key = subject.build_key
      LEFT JOIN doubled ON doubled.build_key = subject.build_key
)
SELECT CASE WHEN octet_length(timed.build_url) <= 4096 THEN timed.build_url || ''
            ELSE 'cut: ' || left(timed.build_url, 200) || '... (' || octet_length(timed.build_url)::text || ' bytes, SHA-256 '
                 || encode(sha256(textsend(timed.build_url)), 'hex') || ')' END AS build_url,
       CASE WHEN octet_length(timed.project) <= 4096 THEN timed.project || ''
            ELSE left(timed.project, 200) || '... (' || octet_length(timed.project)::text || ' bytes, SHA-256 '
                 || encode(sha256(textsend(timed.project)), 'hex') || ')' END AS project,
       timed.build_num,
       CASE WHEN octet_length(timed.lifecycle) <= 4096 THEN timed.lifecycle || ''
            ELSE left(timed.lifecycle, 200) || '... (' || octet_length(timed.lifecycle)::text || ' bytes, SHA-256 '
                 || encode(sha256(textsend(timed.lifecycle)), 'hex') || ')' END AS lifecycle,
       CASE WHEN octet_length(timed.status) <= 4096 THEN timed.status || ''
            ELSE left(timed.status, 200) || '... (' || octet_length(timed.status)::text || ' bytes, SHA-256 '
                 || encode(sha256(textsend(timed.status)), 'hex') || ')' END AS status,
       timed.queued_at, timed.started_at, timed.stopped_at,
       greatest(timed.queued_at, timed.started_at, timed.stopped_at, step_total.last_seen, chunk_total.last_seen) AS last_activity_at,
       greatest(CASE WHEN timed.queued_at  <= setting.backup_time THEN timed.queued_at  END,
                CASE WHEN timed.started_at <= setting.backup_time THEN timed.started_at END,
                CASE WHEN timed.stopped_at <= setting.backup_time THEN timed.stopped_at END,
                step_total.last_seen_by_backup, chunk_total.last_seen_by_backup) AS last_seen_by_backup,
       timed.reasons,
       CASE WHEN octet_length(timed.evidence) <= 16384 THEN timed.evidence
            ELSE left(timed.evidence, 4000) || '... (' || octet_length(timed.evidence)::text || ' bytes)' END AS evidence,
       coalesce(step_total.steps, 0) AS steps,
       coalesce(step_total.steps_unfinished, 0) AS steps_unfinished,
       step_total.output_expected,
       coalesce(chunk_total.output_stored, 0) AS output_stored,
       timed.build_key::text AS build_key,
       step_total.last_started_at AS last_step_started_at,
       CASE WHEN octet_length(same.evidence) <= 16384 THEN same.evidence
            ELSE left(same.evidence, 4000) || '... (' || octet_length(same.evidence)::text || ' bytes)' END AS same_address,
       chunk_total.last_seen AS last_stored_at,
       timed.obstacles,
       nullif(timed.off_record, '') AS off_record,
       coalesce(timed.in_future, false) OR coalesce(step_total.in_future, false) OR coalesce(chunk_total.in_future, false) AS in_future,
       timed.is_there, timed.row_version::text::bigint AS row_version, timed.rows_of_key, timed.odd_number, resembling.other AS resembles,
       timed.build_key IN (SELECT lost.build_key FROM lost) AS is_lost:paths_shown
  FROM timed
 CROSS JOIN setting
  LEFT JOIN step_total ON step_total.build_key = timed.build_key
  LEFT JOIN chunk_total ON chunk_total.build_key = timed.build_key
  LEFT JOIN (SELECT same_address.build_key, string_agg(same_address.evidence, ' and ') AS evidence FROM same_address GROUP BY same_address.build_key) AS same
         ON same.build_key = timed.build_key
  LEFT JOIN resembling ON resembling.build_key = timed.build_key:paths_joined
 ORDER BY timed.project COLLATE "C", timed.build_num, timed.build_url COLLATE "C", timed.build_key;

-- part: answer
-- What:  the rows of the last relation of a statement, in order.
-- For:   every statement that the program puts together.
-- Why:   a part with a WITH of its own can stand inside another WITH, but not after it.
SELECT answer.* FROM answer;
