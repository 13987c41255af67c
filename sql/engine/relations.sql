-- How a profile's relations become those that rules read: with sound times only, and with only the builds in scope.
-- A part begins with its name. The program runs it alone, or as a piece of a longer statement (`halfbuilt rules --composed` prints these).
-- `:name` stands for a piece of SQL that the program fills in, as psql does: psql -v name=...
-- `$1` and the like are parameters; psql has \bind for them.

-- part: build_on_record
-- What:  the relation build with sound times only: a value that is no time is NULL, as if it had never been written.
-- For:   every statement; rules and timings see this, and never what the profile gives.
-- Why:   many servers write "never" as 0001-01-01, 1970-01-01 or infinity, and a clock that is years ahead is no sign of life. A time is on
--        record if it lies between the year 2000, whose first instant also means "never", and 10 minutes from now. The raw_... columns keep
--        what was written: fingerprints use it. seen_at is when the build was like this: now, or when its copy was fetched; may_be_expired is
--        NULL where the record of a build does not say whether the CI may have removed what it lacks. row_version is NULL where no
--        version is read. :others are the columns that a profile gives in addition. numbered_in is what the CI numbers
--        together, which is the project where a profile does not say; and what is no whole number is no number.
SELECT written.build_key, written.build_url, written.project, :number AS build_num, :raw_number AS raw_build_num,
       :numbered_in AS numbered_in, written.lifecycle, written.status, :seen_at AS seen_at,
       :may_be_expired AS may_be_expired, :row_version AS row_version,
       CASE WHEN written.queued_at  > '2000-01-01 00:00Z' AND written.queued_at  <= now() + interval '10 minutes' THEN written.queued_at  END AS queued_at,
       CASE WHEN written.started_at > '2000-01-01 00:00Z' AND written.started_at <= now() + interval '10 minutes' THEN written.started_at END AS started_at,
       CASE WHEN written.stopped_at > '2000-01-01 00:00Z' AND written.stopped_at <= now() + interval '10 minutes' THEN written.stopped_at END AS stopped_at,
       written.queued_at AS raw_queued_at, written.started_at AS raw_started_at, written.stopped_at AS raw_stopped_at:others
  FROM written_build AS written;

-- part: number_of_numeric
-- What:  the number of a build where a profile gives it as numeric; NULL where that is no whole number, or none of 64 bits.
-- For:   the part `build_on_record`.
-- Why:   some CIs call the second attempt of build 20 by the number 20.1. Rounded, it would be the number of another build.
CASE WHEN written.build_num = trunc(written.build_num) AND written.build_num BETWEEN -9223372036854775808 AND 9223372036854775807 THEN written.build_num::bigint END

-- part: numbered_in
-- What:  what the CI numbers together, where a profile says so; else the project.
-- For:   the part `build_on_record`.
-- Why:   one project on two forges is two sequences of numbers.
coalesce(written.numbered_in, written.project)

-- part: seen_at
-- What:  when a build was as the relation says, where a profile presents copies: when the copy was fetched.
-- For:   the part `build_on_record`, and the rules that measure for how long a build has been silent.
-- Why:   what a copy does not say may have happened since.
coalesce(least(written.fetched_at, now()), now())

-- part: step_on_record
-- What:  the relation step with sound times only (see build_on_record).
-- For:   every statement.
-- Why:   a step whose end is written as 1970-01-01 never ended.
SELECT written.build_key, written.step_key, written.name, written.has_output, written.output_size, written.output_closed,
       CASE WHEN written.started_at > '2000-01-01 00:00Z' AND written.started_at <= now() + interval '10 minutes' THEN written.started_at END AS started_at,
       CASE WHEN written.stopped_at > '2000-01-01 00:00Z' AND written.stopped_at <= now() + interval '10 minutes' THEN written.stopped_at END AS stopped_at,
       written.started_at AS raw_started_at, written.stopped_at AS raw_stopped_at:others
  FROM written_step AS written;

-- part: chunk_on_record
-- What:  the relation chunk with sound times only (see build_on_record). :stored_at is NULL::timestamptz where the profile has no such column.
-- For:   every statement.
-- Why:   the time at which a piece was stored is a sign of life.
SELECT written.build_key, written.step_key, written.first, written.next,
       CASE WHEN :stored_at > '2000-01-01 00:00Z' AND :stored_at <= now() + interval '10 minutes' THEN :stored_at END AS stored_at,
       :stored_at AS raw_stored_at:others
  FROM written_chunk AS written;

-- part: no_step
-- What:  stands in for the relation step where a profile has none.
-- For:   the report, which counts steps.
-- Why:   its keys of steps are of the type that output has (:step_key), so that a rule may compare them. A missing relation has no
--        rows. The list of what was not checked names it.
SELECT build.build_key, CAST(NULL AS :step_key) AS step_key, NULL::text AS name, NULL::timestamptz AS started_at,
       NULL::timestamptz AS stopped_at, NULL::boolean AS has_output, NULL::bigint AS output_size,
       NULL::boolean AS output_closed, NULL::timestamptz AS raw_started_at, NULL::timestamptz AS raw_stopped_at
  FROM build
 WHERE false;

-- part: no_chunk
-- What:  stands in for the relation chunk where a profile has none.
-- For:   the report, which adds up stored output.
-- Why:   a missing relation has no rows. The list of what was not checked names it.
SELECT build.build_key, NULL::text AS step_key, NULL::bigint AS first, NULL::bigint AS next,
       NULL::timestamptz AS stored_at, NULL::timestamptz AS raw_stored_at
  FROM build
 WHERE false;

-- part: no_object
-- What:  stands in for the relation object where a profile has none.
-- For:   rules of your own.
-- Why:   a missing relation has no rows. The list of what was not checked names it.
SELECT build.build_key, NULL::text AS step_key, NULL::text AS kind, NULL::text AS key, NULL::bigint AS size
  FROM build
 WHERE false;

-- part: build_of_projects
-- What:  the builds of some projects, $1.
-- For:   --project, whose globs have been matched against the projects that exist.
-- Why:   a build out of scope is neither checked nor reported.
SELECT every_build.* FROM every_build WHERE every_build.project = ANY ($1::text[]);

-- part: build_of_projects_by_bytes
-- What:  the builds of some projects, $1, by the bytes of their names.
-- For:   --project, where the name of a project has bytes that are no UTF-8.
-- Why:   the server would not take such a name as text. textsend gives the bytes that it sends for one.
SELECT every_build.* FROM every_build WHERE textsend(every_build.project) = ANY ($1::bytea[]);

-- part: build_by_name
-- What:  the builds that certain addresses may mean: $1 addresses, $2 the numbers in them, $3 the projects in them, in lower case.
-- For:   delete, which reads each build again just before and just after its deletion.
-- Why:   a profile often puts an address together, so no index finds it; a number is a column. A build under another address, or with another
--        spelling of its names, is not gone, and the server would take it for the one that is meant. The program keeps only the builds
--        that it asked for.
SELECT every_build.*
  FROM every_build
 WHERE every_build.build_num = ANY ($2::bigint[])
   AND (every_build.build_url = ANY ($1::text[]) OR lower(every_build.project COLLATE "C") = ANY ($3::text[]));

-- part: build_by_url
-- What:  the builds with certain addresses, $1, whatever their number.
-- For:   delete, once while it plans, for builds that are not found by name.
-- Why:   a build whose number differs from the one in its address must not pass for gone. This may read every build, so it is not done for
--        each deletion.
SELECT every_build.* FROM every_build WHERE every_build.build_url = ANY ($1::text[]);

-- part: build_by_address
-- What:  the builds with certain addresses, $1, those that have one of the places, $2 (what follows the host, in lower case and without a
--        slash at its end), and those with one of the numbers, $3, in one of the projects, $4.
-- For:   delete, once while it plans, where every letter of an address counts.
-- Why:   a build under another name of the server, or under a new address, must not pass for gone. This reads every build, so it is not done for each deletion.
SELECT every_build.*
  FROM every_build
 WHERE every_build.build_url = ANY ($1::text[])
    OR lower(rtrim(regexp_replace(every_build.build_url, '^[^:/?#]+://[^/?#]*', ''), '/') COLLATE "C") = ANY ($2::text[])
    OR (every_build.build_num = ANY ($3::bigint[]) AND every_build.project = ANY ($4::text[]));

-- part: build_by_key
-- What:  the builds with certain keys.
-- For:   scan and verify where a relation cannot be read as a whole: steps and output of what was found are looked up by key. delete, which
--        reads each build again just before and just after its deletion, where every letter of an address counts.
-- Why:   an index leads past a damaged page, and finds a key where an address is put together. In psql: -v among='IN (1, 2)'
SELECT every_build.* FROM every_build WHERE every_build.build_key :among;

-- part: step_of_builds
-- What:  the relation step, of the builds in scope only.
-- For:   delete, which reads a few builds again.
-- Why:   with few builds in scope, an index finds their steps.
SELECT every_step.* FROM every_step WHERE every_step.build_key IN (SELECT build.build_key FROM build);

-- part: chunk_of_builds
-- What:  the relation chunk, of the builds in scope only.
-- For:   delete, which reads a few builds again.
-- Why:   with few builds in scope, an index finds their output.
SELECT every_chunk.* FROM every_chunk WHERE every_chunk.build_key IN (SELECT build.build_key FROM build);

-- part: object_of_builds
-- What:  the relation object, of the builds in scope only.
-- For:   delete, which reads a few builds again.
-- Why:   with few builds in scope, an index finds their files.
SELECT every_object.* FROM every_object WHERE every_object.build_key IN (SELECT build.build_key FROM build);

-- part: build_of_every_project
-- What:  the relation build, of all projects.
-- For:   rules that compare builds with one another, where --project chooses some.
-- Why:   the other build of a pair may be in a project out of scope.
SELECT every_build.* FROM every_build;
