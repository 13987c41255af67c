-- What is asked where a relation cannot be read as a whole: a damaged page, a value that cannot be used, a right that is missing.
-- A part begins with its name. The program runs it alone, or as a piece of a longer statement (`halfbuilt rules --composed` prints these).
-- `:name` stands for a piece of SQL that the program fills in, as psql does: psql -v name=...

-- part: read_whole
-- What:  reads every value of a relation, :relation.
-- For:   every relation, once a statement has failed because of what it read: it shows which of them is to blame.
-- Why:   the error of a long statement names a page or a value, and no relation. As text, each value is really read and none is sent.
SELECT count(whole::text) AS rows FROM :relation AS whole;

-- part: open
-- What:  makes ready to read a relation, :relation, and reads none of it.
-- For:   a relation that cannot be read as a whole: whether the part `nothing_of_it` can stand for it, in whatever statement.
-- Why:   what a condition leaves out may be planned, opened and never read. A file that is missing cannot be planned, and a materialized
--        view without data cannot be opened.
SELECT 1 AS rows FROM :relation AS whole LIMIT 0;

-- part: named
-- What:  the name of what is in a file: $1 is its table space, 0 for the database's own, and its number.
-- For:   a page or a file that cannot be read.
-- Why:   the server names the file. REINDEX wants a name, and whether a table is damaged or an index of it makes all the difference.
SELECT CASE WHEN found.relkind = 'i'
            THEN 'index ' || found.oid::regclass || ' of table ' || (SELECT pg_index.indrelid::regclass FROM pg_index WHERE pg_index.indexrelid = found.oid)
            WHEN found.relkind = 't'
            THEN 'the TOAST table of table ' || (SELECT holder.oid::regclass FROM pg_class AS holder WHERE holder.reltoastrelid = found.oid)
            ELSE 'table ' || found.oid::regclass
       END AS name
  FROM pg_class AS found
 WHERE found.oid = pg_filenode_relation(($1::bigint[])[1]::oid, ($1::bigint[])[2]::oid);

-- part: send_whole
-- What:  makes every value of a relation, :relation, the bytes that would be sent of it, and sends none.
-- For:   builds and steps, once, on a database in an encoding of which not every byte is a letter, such as WIN1252.
-- Why:   one such byte would fail whatever reads it, in the midst of a report. Then text is read as it is stored (see the part `bytes`).
SELECT count(textsend(whole::text)) AS rows FROM :relation AS whole;

-- part: nothing_of_it
-- What:  the columns of a relation, :relation, and none of its rows.
-- For:   whatever reads a relation as a whole that cannot be read so.
-- Why:   the server does not read what it need not give. The list of what was not checked names the relation.
SELECT whole.* FROM :relation AS whole WHERE false;

-- part: run_whole
-- What:  runs a statement, :asked, and sends nothing of what it finds.
-- For:   each rule alone, where all of them together fail.
-- Why:   one rule that cannot be run must not hide what the others find.
SELECT count(found::text) AS rows FROM (
:asked
) AS found;

-- part: cursor
-- What:  has the statement that follows give its rows in batches.
-- For:   the findings, where steps and output are looked up build by build.
-- Why:   while the rows of one statement are on their way, no other can be asked.
DECLARE found NO SCROLL CURSOR FOR

-- part: fetch
-- What:  the next rows of the cursor.
-- For:   the same.
-- Why:   so many builds are looked up at once.
FETCH FORWARD 200 FROM found;
