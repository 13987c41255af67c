-- What collect asks of the tables of documents (sql/documents.sql), and writes to them.
-- A part begins with its name. The program runs each in a transaction of its own, so that a kill at any instant loses nothing that is on record.
-- `:name` stands for a piece of SQL that the program fills in, as psql does: psql -v name=...
-- `$1` and the like are parameters; psql has \bind for them.

-- part: writing
-- What:  settings that a transaction must not inherit from the role, the database, the server, or whoever used the connection before.
-- For:   every transaction that writes, as its first statement.
-- Why:   the same as of the part `session` in session.sql; every table is written with its schema. The program must not wait without end for
--        a lock that nobody gives back.
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL row_security = off;
SET LOCAL standard_conforming_strings = on;
SET LOCAL client_encoding = 'UTF8';
SET LOCAL TimeZone = 'UTC';
SET LOCAL DateStyle = 'ISO, YMD';
SET LOCAL jit = off;
SET LOCAL lock_timeout = '60s';
SET LOCAL idle_in_transaction_session_timeout = '10min';

-- part: place
-- What:  whether the tables of documents are there and of which format, and whether this role may make and write them.
-- For:   collect, before it asks the CI for anything.
-- Why:   each of these is an error that names what to do; found out late, it would cost an hour of fetching.
SELECT schema.oid IS NOT NULL AS is_there, pg_catalog.obj_description(schema.oid, 'pg_namespace') AS format,
       current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS is_standby,
       has_database_privilege(current_database(), 'CREATE') AS may_make, current_user::text AS role, current_database()::text AS database,
       schema.oid IS NULL OR has_schema_privilege(schema.oid, 'USAGE') AS may_enter,
       EXISTS (SELECT FROM pg_class AS kept
                WHERE kept.relnamespace = schema.oid AND kept.relname IN ('collection', 'document', 'output', 'artifact')
                  AND kept.relowner <> (SELECT own.oid FROM pg_roles AS own WHERE own.rolname = current_user)
                  AND (kept.relkind <> 'r' OR kept.relhasrules
                       OR EXISTS (SELECT FROM pg_trigger AS fired WHERE fired.tgrelid = kept.oid AND NOT fired.tgisinternal)
                       OR (SELECT own.rolsuper FROM pg_roles AS own WHERE own.rolname = current_user)
                          AND NOT (SELECT owner.rolsuper FROM pg_roles AS owner WHERE owner.oid = kept.relowner))) AS runs_foreign_code,
       (SELECT count(*) = 4 FROM pg_class AS kept
         WHERE kept.relnamespace = schema.oid AND kept.relname IN ('collection', 'document', 'output', 'artifact')
           AND has_table_privilege(kept.oid, 'SELECT') AND has_table_privilege(kept.oid, 'INSERT')
           AND has_table_privilege(kept.oid, 'UPDATE') AND has_table_privilege(kept.oid, 'DELETE')) AS may_write
  FROM (SELECT to_regnamespace('halfbuilt')::oid AS oid) AS schema;

-- part: lock
-- What:  takes the lock that allows one collect at a time in this database; false if somebody else has it. It ends with the connection.
-- For:   collect, once.
-- Why:   two at once would each take the other's work for old. The number is "hbcollct" in ASCII.
SELECT pg_try_advisory_lock(7521683657873711988) AS taken;

-- part: latest
-- What:  the latest collection; no row where there is none.
-- For:   collect, which continues one that has no end, and refuses the documents of another server.
-- Why:   one database holds the documents of one server: its profile gives what the latest collection lists.
SELECT collection.collection_id, collection.source, collection.began_at, collection.ended_at, collection.since, collection.lists_all,
       collection.token_user
  FROM halfbuilt.collection
 ORDER BY collection.collection_id DESC
 LIMIT 1;

-- part: begin
-- What:  puts the beginning of a collection on record: $1 the source, $2 the time, $3 since when (NULL: all builds), $4 whether the list has all
--        builds of the server, $5 whose token it is.
-- For:   collect.
-- Why:   what a scan says of its builds begins with when they were fetched, and from where.
INSERT INTO halfbuilt.collection (source, began_at, since, lists_all, token_user)
VALUES ($1, $2, $3, $4, $5)
RETURNING collection_id;

-- part: take_open
-- What:  takes the builds that were not over when an earlier collection listed them into the collection $1.
-- For:   collect, once, when it begins.
-- Why:   a list that lacks a build proves nothing: what runs for ever is what is looked for. Each of them is asked for by its number.
UPDATE halfbuilt.document SET collection_id = $1
 WHERE document.collection_id < $1 AND document.is_open AND document.gone_at IS NULL;

-- part: list
-- What:  puts a page of the list of builds on record: $1 the collection, $2 the page as JSON, $3 since when (NULL: all builds), $4 the time.
--        Gives how many builds the page has, how many of them are in the window (open, or not over before $3), and how many of these are new
--        to this collection, or have changed since they were listed.
-- For:   collect, for each page of each list.
-- Why:   what is open, and what is too old, is decided here and not in the program, by the facts of the API: a build is open while it has no
--        outcome and no stop, was not canceled, and nothing says that it will never be built; of its lifecycle only the word running says
--        something: it is shown as running, whatever else it has. A time of
--        another form is no reason to leave a build out. Times of one form are compared as text, to the second, so none of them can fail.
WITH entry AS (
    SELECT DISTINCT ON (listed.value ->> 'build_url')
           listed.value ->> 'build_url' AS build_url,
           jsonb_strip_nulls(jsonb_build_object('lifecycle', listed.value -> 'lifecycle', 'status', listed.value -> 'status',
                                                'outcome', listed.value -> 'outcome', 'queued_at', listed.value -> 'queued_at',
                                                'start_time', listed.value -> 'start_time', 'stop_time', listed.value -> 'stop_time')) AS summary,
           coalesce(listed.value ->> 'lifecycle' = 'running', false)
             OR (listed.value ->> 'outcome' IS NULL AND listed.value ->> 'stop_time' IS NULL AND listed.value ->> 'dont_build' IS NULL
                 AND listed.value ->> 'status' IS DISTINCT FROM 'not_run' AND listed.value ->> 'canceled' IS DISTINCT FROM 'true') AS is_open,
           times.latest, times.are_odd
      FROM jsonb_array_elements($2::text::jsonb) WITH ORDINALITY AS listed (value, place)
     CROSS JOIN LATERAL (SELECT max(left(time.value, 19) COLLATE "C") AS latest,
                                coalesce(bool_or(time.value !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?Z$'), false) AS are_odd
                           FROM (VALUES (listed.value ->> 'queued_at'), (listed.value ->> 'usage_queued_at'), (listed.value ->> 'start_time'),
                                        (listed.value ->> 'stop_time')) AS time (value)
                          WHERE time.value IS NOT NULL) AS times
     WHERE listed.value ->> 'build_url' IS NOT NULL
     ORDER BY listed.value ->> 'build_url', listed.place
), wanted AS (
    SELECT entry.build_url, entry.summary, entry.is_open
      FROM entry
     WHERE $3::timestamptz IS NULL OR entry.is_open OR entry.are_odd OR entry.latest IS NULL
        OR entry.latest >= to_char($3::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') COLLATE "C"
), written AS (
    INSERT INTO halfbuilt.document AS kept (build_url, collection_id, summary, is_open, listed_at)
    SELECT wanted.build_url, $1, wanted.summary, wanted.is_open, $4 FROM wanted
        ON CONFLICT (build_url) DO UPDATE
       SET collection_id = excluded.collection_id, summary = excluded.summary, is_open = excluded.is_open,
           listed_at = CASE WHEN kept.summary IS DISTINCT FROM excluded.summary THEN excluded.listed_at ELSE kept.listed_at END
     WHERE kept.collection_id IS DISTINCT FROM excluded.collection_id OR kept.summary IS DISTINCT FROM excluded.summary
        OR kept.is_open IS DISTINCT FROM excluded.is_open
    RETURNING 1
)
SELECT (SELECT count(*) FROM entry) AS builds, (SELECT count(*) FROM wanted) AS wanted, (SELECT count(*) FROM written) AS changed;

-- part: needed
-- What:  whether a document has to be fetched: $2 is when this run began, $3 R (NULL where it is not known).
-- For:   the parts `waiting` and `waiting_count`.
-- Why:   one that is there is kept if the list says the same of it as it says itself. Not so where the build is open, since its steps go on
--        without a word in the list; where it is from before R; or where it could not be had or read. What was fetched in this run is
--        fetched again only if the list has said something new since.
CASE WHEN document.gone_at IS NOT NULL THEN document.gone_at < $2
     WHEN document.fetched_at IS NULL OR document.trouble IS NOT NULL THEN true
     WHEN document.fetched_at >= $2 AND document.fetched_at >= document.listed_at THEN false
     WHEN document.is_open OR document.fetched_at < $3::timestamptz THEN true
     ELSE (document.head @> document.summary AND (document.head ->> 'stop_time' IS NULL OR document.summary ? 'stop_time')) IS NOT TRUE END

-- part: waiting_count
-- What:  how many documents of the collection $1 have to be fetched, and how many are kept.
-- For:   the bar of collect.
-- Why:   whoever waits wants to know how long.
SELECT count(*) FILTER (WHERE needed.it) AS waiting, count(*) FILTER (WHERE NOT needed.it) AS kept
  FROM halfbuilt.document
 CROSS JOIN LATERAL (SELECT :needed AS it) AS needed
 WHERE document.collection_id = $1;

-- part: waiting
-- What:  up to $6 builds of the collection $1 whose documents have to be fetched, open ones ($4 is true) or others, after the address $5.
-- For:   collect, batch by batch.
-- Why:   open builds come first: they are what the backup cut, and they change. In the order of their addresses, so that each is tried
--        once a round, and memory stays flat.
SELECT document.build_url
  FROM halfbuilt.document
 WHERE document.collection_id = $1 AND document.is_open = $4 AND document.build_url > $5 AND (:needed)
 ORDER BY document.build_url
 LIMIT $6;

-- part: keep
-- What:  stores documents: $1 addresses, $2 when each was asked for, $3 documents, $4 the same with what jsonb does not take replaced (NULL where
--        nothing is), $5 whether each can be jsonb at all, $6 why not.
-- For:   collect, for as many documents as have come.
-- Why:   the text is what the server said. jsonb takes neither the character 0 nor half a surrogate pair; the copy has U+FFFD in their place.
--        Steps stand apart, so that what is asked of a build alone need not unpack them. An older document does not take the place of a younger
--        one. What was stored is given back: a row that is not among it must not be read as if it had been.
UPDATE halfbuilt.document
   SET fetched_at = came.fetched_at, body = came.body, head = came.document - 'steps',
       steps = CASE WHEN jsonb_typeof(came.document -> 'steps') = 'array' THEN came.document -> 'steps' END,
       gone_at = NULL, trouble = came.trouble
  FROM (SELECT one.build_url, one.fetched_at, one.body, one.trouble,
               CASE WHEN one.is_readable THEN coalesce(one.clean, one.body)::jsonb END AS document
          FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::boolean[], $6::text[])
               AS one (build_url, fetched_at, body, clean, is_readable, trouble)
        OFFSET 0) AS came
 WHERE document.build_url = came.build_url AND (document.fetched_at <= came.fetched_at) IS NOT FALSE
RETURNING document.build_url;

-- part: known
-- What:  which of the addresses $1 are on record.
-- For:   delete, which fetches builds again: an address may be spelled in two ways.
-- Why:   what is read afterwards is found by the address that the list gave.
SELECT document.build_url FROM halfbuilt.document WHERE document.build_url = ANY ($1::text[]);

-- part: adopt
-- What:  takes the build $1 into the latest collection at $2, if it is not on record.
-- For:   delete, where somebody names a build that no list had.
-- Why:   a build without a row would look as if it were gone.
INSERT INTO halfbuilt.document (build_url, collection_id, summary, is_open, listed_at)
SELECT $1, max(collection.collection_id), '{}', false, $2 FROM halfbuilt.collection HAVING max(collection.collection_id) IS NOT NULL
    ON CONFLICT (build_url) DO UPDATE SET collection_id = excluded.collection_id
 WHERE document.collection_id <> excluded.collection_id;

-- part: gone
-- What:  notes of a build ($1) that the server has proved not to be there any more, at $2.
-- For:   collect, delete and verify.
-- Why:   a build that is gone is none of the restored ones; its document stays until the next collection, for whoever asks.
UPDATE halfbuilt.document SET gone_at = $2, trouble = NULL WHERE document.build_url = $1 RETURNING document.build_url;

-- part: trouble
-- What:  notes why the document of a build ($1) could not be had ($2).
-- For:   collect.
-- Why:   what could not be looked at is said, and tried again next time. What is there of an earlier time is not taken for the present: no
--        profile shows it. Of a build that is gone it is still what there was, and says what to run again.
UPDATE halfbuilt.document
   SET trouble = $2, head = CASE WHEN document.gone_at IS NOT NULL THEN document.head END,
       steps = CASE WHEN document.gone_at IS NOT NULL THEN document.steps END
 WHERE document.build_url = $1;

-- part: gone_builds
-- What:  up to $1 builds of the latest collection that the server has proved not to be there any more.
-- For:   verify, which fetches them again.
-- Why:   another restore brings back what was deleted.
SELECT document.build_url
  FROM halfbuilt.document
 WHERE document.gone_at IS NOT NULL AND document.collection_id = (SELECT max(collection.collection_id) FROM halfbuilt.collection)
 ORDER BY document.build_url COLLATE "C"
 LIMIT $1;

-- part: neighbours
-- What:  up to $3 builds of the same project as $1 (its address is $2 and a number) whose documents are there, the latest first, and the
--        highest number that is known of the project.
-- For:   the proof that a build is gone: another one of its project must still be there.
-- Why:   a server that hides what the token may not see answers as if it were gone.
SELECT document.build_url
  FROM halfbuilt.document
 WHERE starts_with(document.build_url, $2) AND document.build_url <> $1 AND document.gone_at IS NULL AND document.head IS NOT NULL
 ORDER BY document.fetched_at DESC
 LIMIT $3;

-- part: highest
-- What:  the highest number that is on record in the project whose builds' addresses begin with $1.
-- For:   the proof that a build is gone: how the server answers for a number that never was.
-- Why:   a number far above the highest is none that was given out.
SELECT max(numbered.digits::bigint) AS highest
  FROM (SELECT substr(document.build_url, length($1) + 1) AS digits FROM halfbuilt.document WHERE starts_with(document.build_url, $1)) AS numbered
 WHERE numbered.digits ~ '^[0-9]{1,15}$';

-- part: in_question
-- What:  up to $4 builds of the collection $1 that the backup may have cut, after the address $3: open by their document, or started by $2 (T;
--        NULL: any time) and not stopped by then.
-- For:   collect --output.
-- Why:   only of these it matters whether output and artifacts can still be had. Times of one form are compared as text.
SELECT document.build_url
  FROM halfbuilt.document
 WHERE document.collection_id = $1 AND document.build_url > $3 AND document.gone_at IS NULL AND document.head IS NOT NULL
   AND (document.is_open
        OR document.head ->> 'start_time' IS NOT NULL
           AND left(document.head ->> 'start_time', 19) COLLATE "C" <= to_char($2::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') COLLATE "C"
           AND (left(document.head ->> 'stop_time', 19) COLLATE "C" <= to_char($2::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') COLLATE "C") IS NOT TRUE)
 ORDER BY document.build_url
 LIMIT $4;

-- part: output
-- What:  notes of outputs of the build $1: $2 places of steps, $3 places of actions, $4 when asked, $5 states, $6 why, $7 sizes, $8 messages, $9 and
--        $10 times of the first and the last message, $11 digests. What was noted of the build before is replaced.
-- For:   collect --output.
-- Why:   whether the output can be had, and how far it goes, without keeping what it says.
WITH before AS (
    DELETE FROM halfbuilt.output
     WHERE output.build_url = $1
       AND NOT EXISTS (SELECT FROM unnest($2::integer[], $3::integer[]) AS asked (step, action)
                        WHERE asked.step = output.step AND asked.action = output.action)
)
INSERT INTO halfbuilt.output (build_url, step, action, asked_at, state, why, size, messages, first_at, last_at, sha256)
SELECT $1, asked.*
  FROM unnest($2::integer[], $3::integer[], $4::timestamptz[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::timestamptz[],
              $10::timestamptz[], $11::text[]) AS asked
    ON CONFLICT (build_url, step, action) DO UPDATE
   SET asked_at = excluded.asked_at, state = excluded.state, why = excluded.why, size = excluded.size, messages = excluded.messages,
       first_at = excluded.first_at, last_at = excluded.last_at, sha256 = excluded.sha256;

-- part: artifacts
-- What:  notes of the artifacts of the build $1: $2 places in the list, $3 paths, $4 containers, $5 addresses without their queries, $6 when asked,
--        $7 states, $8 why, $9 sizes. What was noted of the build before is replaced.
-- For:   collect --output.
-- Why:   the same as of output.
WITH before AS (
    DELETE FROM halfbuilt.artifact WHERE artifact.build_url = $1 AND artifact.place <> ALL ($2::integer[])
)
INSERT INTO halfbuilt.artifact (build_url, place, path, node_index, url, asked_at, state, why, size)
SELECT $1, asked.*
  FROM unnest($2::integer[], $3::text[], $4::integer[], $5::text[], $6::timestamptz[], $7::text[], $8::text[], $9::bigint[]) AS asked
    ON CONFLICT (build_url, place) DO UPDATE
   SET path = excluded.path, node_index = excluded.node_index, url = excluded.url, asked_at = excluded.asked_at, state = excluded.state,
       why = excluded.why, size = excluded.size;

-- part: end
-- What:  puts the end of the collection $1 on record, at $2, and how many entries of the list ($3) named no build.
-- For:   collect, when nothing is left to fetch.
-- Why:   a collection without an end is not whole, and a verdict on it is never clean.
UPDATE halfbuilt.collection SET ended_at = $2, nameless = $3 WHERE collection.collection_id = $1;

-- part: totals
-- What:  what a collection ($1) has: builds, those that are open, those that are gone, and those whose documents could not be had or read.
-- For:   the last lines of collect.
-- Why:   whoever runs it wants to know whether it is whole.
SELECT count(*) AS builds, count(*) FILTER (WHERE document.is_open AND document.gone_at IS NULL) AS open,
       count(*) FILTER (WHERE document.gone_at IS NOT NULL) AS gone,
       count(*) FILTER (WHERE document.gone_at IS NULL AND document.trouble IS NOT NULL) AS troubled,
       (SELECT min(one.trouble) FROM halfbuilt.document AS one WHERE one.collection_id = $1 AND one.gone_at IS NULL AND one.trouble IS NOT NULL) AS trouble
  FROM halfbuilt.document
 WHERE document.collection_id = $1;

-- part: analyze
-- What:  has the server count what is in the tables of documents.
-- For:   collect, at its end.
-- Why:   without it the first scan is slow.
ANALYZE halfbuilt.collection, halfbuilt.document, halfbuilt.output, halfbuilt.artifact;

-- part: forget
-- What:  removes the tables of documents, and all that is in them.
-- For:   collect --forget.
-- Why:   documents hold names, mail addresses and commands of people, and are not to be kept for longer than they are needed.
DROP SCHEMA halfbuilt CASCADE;
