-- What:  makes a role that may read one build database, and do nothing else.
-- For:   scan, verify, and the reading half of delete: they need no more than this role may (a test holds them to it).
-- Why:   a person who looks at a damaged server in a hurry should not be able to damage it. The role reads only, by its rights and by
--        default; it waits for no lock, runs no statement and holds no snapshot without end; it cannot take all connections.
--
-- Run it in the build database, as its owner or a superuser; on a primary, from where standbys get it too:
--     halfbuilt sql role | psql -v ON_ERROR_STOP=1 -1 -d ci
-- Run it again after tables were added, or to change a setting. Variables, with their defaults:
--     -v role=halfbuilt_reader     the role
--     -v schema=public             the schema of the tables
--     -v connections=4             how many connections it may have at once
--     -v statement_timeout=30min   how long one statement of it may run
--
-- It has no password, and so no way in but pg_hba.conf's (peer, cert ...). Give it one where nobody can read over your
-- shoulder, neither in a process list nor in the server's log:
--     \password halfbuilt_reader
-- and put it into ~/.pgpass. Rows that a policy hides from the role are an error of the scan, not a smaller database.
--
-- This role may also do what PUBLIC may do: temporary tables, and before PostgreSQL 15 tables in the schema public, until you
-- REVOKE CREATE ON SCHEMA public FROM PUBLIC.

\if :{?role} \else \set role halfbuilt_reader \endif
\if :{?schema} \else \set schema public \endif
\if :{?connections} \else \set connections 4 \endif
\if :{?statement_timeout} \else \set statement_timeout 30min \endif

SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = :'role') AS is_new,
       pg_catalog.current_database() AS this_database \gset
\if :is_new
CREATE ROLE :"role" LOGIN;
\endif

-- A role that existed before, and may do more, belongs to somebody: this script neither uses it as the reader nor reduces it. Its
-- possessions count in all databases, its rights in this one; the rights of PUBLIC do not count, since every role has them.
SELECT pg_catalog.set_config('halfbuilt.role', :'role', false) AS role \gset
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_roles
              WHERE rolname = pg_catalog.current_setting('halfbuilt.role')
                AND (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls
                     OR EXISTS (SELECT FROM pg_catalog.pg_auth_members WHERE member = pg_roles.oid)
                     OR EXISTS (SELECT FROM pg_catalog.pg_shdepend
                                 WHERE refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
                                   AND refobjid = pg_roles.oid AND deptype = 'o')
                     OR EXISTS (SELECT FROM pg_catalog.pg_class, pg_catalog.aclexplode(relacl) AS given
                                 WHERE given.grantee = pg_roles.oid AND given.privilege_type <> 'SELECT')
                     OR EXISTS (SELECT FROM pg_catalog.pg_attribute, pg_catalog.aclexplode(attacl) AS given
                                 WHERE given.grantee = pg_roles.oid AND given.privilege_type <> 'SELECT')
                     OR EXISTS (SELECT FROM pg_catalog.pg_namespace, pg_catalog.aclexplode(nspacl) AS given
                                 WHERE given.grantee = pg_roles.oid AND given.privilege_type <> 'USAGE'))) THEN
    RAISE EXCEPTION 'the role % may do more than read', pg_catalog.current_setting('halfbuilt.role')
      USING HINT = 'name another by -v role=NAME';
  END IF;
END
$$;

ALTER ROLE :"role" CONNECTION LIMIT :connections;
ALTER ROLE :"role" IN DATABASE :"this_database" SET default_transaction_read_only = 'on';
ALTER ROLE :"role" IN DATABASE :"this_database" SET statement_timeout = :'statement_timeout';
ALTER ROLE :"role" IN DATABASE :"this_database" SET lock_timeout = '60s';
ALTER ROLE :"role" IN DATABASE :"this_database" SET idle_in_transaction_session_timeout = '10min';
ALTER ROLE :"role" IN DATABASE :"this_database" SET search_path = :"schema";

GRANT CONNECT ON DATABASE :"this_database" TO :"role";
GRANT USAGE ON SCHEMA :"schema" TO :"role";
GRANT SELECT ON ALL TABLES IN SCHEMA :"schema" TO :"role";
