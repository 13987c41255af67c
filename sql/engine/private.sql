-- What a new private cluster of halfbuilt is given.
-- A part begins with its name. The server's single-user mode runs it, statement by statement: a statement ends with `;` and an empty line.

-- part: new_cluster
-- What:  the database `halfbuilt`, and a role that can only read it.
-- For:   a private cluster, once, before anybody can connect to it; in its database template1.
-- Why:   collect writes as the owner of the cluster, a superuser. All else reads as a role that can read and no more: a profile may be
--        somebody else's SQL. What is granted in template1 holds in the databases that are made after it.
CREATE ROLE halfbuilt_reader LOGIN;

GRANT pg_monitor TO halfbuilt_reader;

ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO halfbuilt_reader;

ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO halfbuilt_reader;

CREATE DATABASE halfbuilt;

