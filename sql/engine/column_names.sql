-- What:  the names of the columns that the statement `asked` gives, in their order.
-- For:   each relation, rule and archive section of a profile, before anything is read.
-- Why:   asked of the server in SQL, because what a client library asks by itself is prepared in the session, and a pooler gives the next
--        transaction another one. The statement is not even planned: nothing can come of a row that is excluded beforehand, and OFFSET
--        keeps the statement apart until then. What is left is one row of NULLs that has its columns.
SELECT json_object_keys(row_to_json(row_of_it)) AS name
  FROM (SELECT of_it.*
          FROM (SELECT) AS nothing
          LEFT JOIN (SELECT * FROM (SELECT * FROM (
:"asked"
               ) AS asked OFFSET 0) AS apart WHERE false) AS of_it ON true) AS row_of_it;
