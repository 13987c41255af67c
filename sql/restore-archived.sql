-- What:  puts one deleted build back, from an archive that `halfbuilt delete --archive FILE` wrote.
-- For:   whoever deleted the wrong build. Run it on the database that the build was deleted from, as a role that may write to it:
--            halfbuilt sql restore-archived > restore-archived.sql
--            zcat FILE | psql -X -v ON_ERROR_STOP=1 -1 -v build_url=https://HOST/gh/ORG/PROJECT/NUMBER -f restore-archived.sql
--        From a large archive, pass only the lines of this build, which is faster:
--            zcat FILE | grep -F '"build_url":"https://HOST/gh/ORG/PROJECT/NUMBER"' | psql ...
--        It writes to the tables of the reference database. For an archive of another profile, name its tables, which are in the
--        first line of the archive, once you have looked at them: -v tables=buildrequests,builds
--        For tables in another schema than public: -v schema=NAME
-- Why:   an archive is a file, and a person who can change it must not choose where its rows go: this script writes only to tables
--        that are named here or by you. It takes the rows as they are, and needs nothing but psql. The columns come from the catalog:
--        those that the database computes (GENERATED ... STORED) are left out, identities keep their old values, and the type that
--        wrote a value reads it. All is put back, or nothing: with psql's -1 an error undoes everything, and so does a build that
--        exists again, or an archive that was cut. Rows of other tables that exist already stay as they are, and are counted. Triggers
--        fire as for any INSERT. An archive of what the relations of a profile presented (rows_of: relations) cannot be put back.

\if :{?build_url} \else
DO $$ BEGIN
  RAISE EXCEPTION 'build_url is not set: which build is to be put back?'
    USING HINT = 'psql ... -v build_url=https://HOST/gh/ORG/PROJECT/NUMBER; the script''s first lines say more.';
END $$;
\quit
\endif

\if :{?tables} \else
\set tables builds,steps,actions,output,artifacts
\endif

\if :{?schema} \else
\set schema public
\endif

-- No name is resolved by luck: tables by their schema, all else is PostgreSQL's own.
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL client_encoding = 'UTF8';
SET LOCAL DateStyle = 'ISO, YMD';
SET LOCAL IntervalStyle = 'postgres';
SET LOCAL TimeZone = 'UTC';

CREATE TEMPORARY TABLE archived_line (place bigint GENERATED ALWAYS AS IDENTITY, line json NOT NULL) ON COMMIT DROP;

-- Neither character can stand in a line of JSON, so each line is one value as it is.
\copy archived_line (line) FROM pstdin WITH (FORMAT csv, DELIMITER E'\x02', QUOTE E'\x01')

SELECT set_config('halfbuilt.build_url', :'build_url', true) AS build_url,
       set_config('halfbuilt.tables', :'tables', true) AS tables,
       set_config('halfbuilt.schema', :'schema', true) AS schema \gset halfbuilt_

-- A run that was interrupted may have archived a build twice: the last time counts.
CREATE TEMPORARY TABLE archived_build ON COMMIT DROP AS
SELECT place, line FROM archived_line
 WHERE line ->> 'build_url' = :'build_url'
   AND place >= (SELECT max(place) FROM archived_line WHERE line ->> 'kind' = 'build' AND line ->> 'build_url' = :'build_url');

CREATE TEMPORARY TABLE archived_row ON COMMIT DROP AS
SELECT place, line ->> 'table' AS name, line -> 'row' AS given FROM archived_build WHERE line ->> 'kind' = 'row';

-- In a database without an encoding, each byte that is no UTF-8 was archived as one of the last 128 characters of Unicode.
DO $$
DECLARE
    character text;
BEGIN
    IF current_setting('server_encoding') = 'SQL_ASCII'
       AND EXISTS (SELECT FROM archived_row WHERE strpos(given::text, convert_from('\xf48f', 'SQL_ASCII')) > 0) THEN
        FOR byte IN 128..255
        LOOP
            character := convert_from(decode('f48f' || CASE WHEN byte < 192 THEN 'be' ELSE 'bf' END || to_hex(128 | (byte & 63)), 'hex'), 'SQL_ASCII');
            UPDATE archived_row
               SET given = replace(given::text, character, convert_from(decode(to_hex(byte), 'hex'), 'SQL_ASCII'))::json
             WHERE strpos(given::text, character) > 0;
        END LOOP;
    END IF;
END
$$;

CREATE TEMPORARY TABLE archived_count ON COMMIT DROP AS
SELECT counted.key AS name, counted.value::bigint AS rows
  FROM archived_build, json_each_text(line -> 'rows') AS counted
 WHERE line ->> 'kind' = 'counts';

DO $$
DECLARE
    url    text := current_setting('halfbuilt.build_url');
    named  text[] := regexp_split_to_array(trim(current_setting('halfbuilt.tables')), '\s*,\s*');
    place_ text := current_setting('halfbuilt.schema');
    part   record;
    target regclass;
    lists  record;
    lost   text;
    done   bigint;
    first  boolean := true;
BEGIN
    IF NOT EXISTS (SELECT FROM archived_count) THEN
        RAISE EXCEPTION 'the archive does not hold %, or not all of it', url;
    END IF;
    IF EXISTS (SELECT FROM archived_count AS counted
                WHERE counted.rows <> (SELECT count(*) FROM archived_row WHERE archived_row.name = counted.name)) THEN
        RAISE EXCEPTION 'rows of % are missing: was the archive cut?', url;
    END IF;
    FOR part IN SELECT name, count(*) AS rows, min(place) AS first_place FROM archived_row GROUP BY name ORDER BY min(place)
    LOOP
        SELECT class.oid INTO target
          FROM pg_class AS class JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
         WHERE class.relkind IN ('r', 'p')
           AND (namespace.nspname || '.' || class.relname = part.name
                OR class.relname = part.name AND namespace.nspname = place_)
         LIMIT 1;
        IF target IS NULL THEN
            RAISE EXCEPTION 'there is no table %', part.name;
        END IF;
        IF NOT EXISTS (SELECT FROM pg_class AS class JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
                        WHERE class.oid = target
                          AND (namespace.nspname || '.' || class.relname = ANY (named)
                               OR class.relname = ANY (named) AND namespace.nspname = place_)) THEN
            RAISE EXCEPTION 'the archive has rows of %, and nobody named that table: %', part.name, array_to_string(named, ', ')
                USING HINT = 'If they belong to the build, name all of its tables: psql ... -v tables=TABLE,TABLE';
        END IF;
        SELECT string_agg(format('%I', attname), ', ' ORDER BY attnum) FILTER (WHERE attgenerated = '') AS names,
               string_agg(format('%I text', attname), ', ' ORDER BY attnum) FILTER (WHERE attgenerated = '') AS texts,
               string_agg(format('archived.%I::%s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum)
                   FILTER (WHERE attgenerated = '') AS typed,
               array_agg(attname::text) AS every
          INTO lists
          FROM pg_attribute, archived_row
         WHERE attrelid = target AND attnum > 0 AND NOT attisdropped
           AND archived_row.place = part.first_place
           -- A column that has been added since takes its default.
           AND attname IN (SELECT json_object_keys(archived_row.given));
        SELECT string_agg(key, ', ') INTO lost
          FROM archived_row, json_object_keys(archived_row.given) AS key
         WHERE archived_row.place = part.first_place AND key <> ALL (coalesce(lists.every, '{}'));
        IF lost IS NOT NULL THEN
            RAISE EXCEPTION 'table % has no column % any more', target, lost;
        END IF;
        EXECUTE format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s'
                       ' FROM archived_row, json_to_record(archived_row.given) AS archived (%s)'
                       ' WHERE archived_row.name = %L ORDER BY archived_row.place ON CONFLICT DO NOTHING',
                       target, lists.names, lists.typed, lists.texts, part.name);
        GET DIAGNOSTICS done = ROW_COUNT;
        IF first AND done < part.rows THEN
            RAISE EXCEPTION '% is there, or another build in its place: nothing was put back', url;
        END IF;
        first := false;
        RAISE NOTICE '%: % of % rows put back', part.name, done, part.rows;
    END LOOP;
END
$$;
