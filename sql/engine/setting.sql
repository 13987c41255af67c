-- What:  gives the settings, such as halfbuilt.backup_time, to the SQL of profiles and rules: $1 names, $2 values.
-- For:   every snapshot, once; they end with the transaction.
-- Why:   a setting is no template, so any profile and any rule runs in psql as it stands:
--        SET halfbuilt.backup_time = '2026-11-20T02:00:00Z';
SELECT set_config('halfbuilt.' || setting.name, setting.value, true)
  FROM unnest($1::text[], $2::text[]) AS setting (name, value);
