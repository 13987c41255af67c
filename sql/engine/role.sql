-- What:  the role in whose name everything is asked, and whether it is a superuser.
-- For:   scan, verify, manifest and delete with a profile or rules of one's own.
-- Why:   they are SQL that somebody has written, and run with all that this role may do. A read-only transaction keeps no superuser from
--        the server's files, nor from other databases.
SELECT role.rolname::text AS name, role.rolsuper AS is_superuser FROM pg_roles AS role WHERE role.rolname = current_user;
