-- What:  the schemas in which this role's session would look for a table, in their order.
-- For:   a profile whose tables are to be looked for in the one of them that has them all, where --schema does not name it.
-- Why:   asked for while the path is the role's own, so each name is written with its schema, and fits exactly.
SELECT pg_catalog.current_schemas(false) AS schemas;
