-- What:  the version of the server, such as 150018.
-- For:   every scan, once.
-- Why:   before 14 a server searches a long list of keys from its beginning, for every row.
SELECT current_setting('server_version_num')::bigint;
