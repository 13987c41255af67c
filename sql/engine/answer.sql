-- What:  the rows of the last relation of a statement, in its order.
-- For:   every statement that is put together.
-- Why:   a part with a WITH of its own can stand inside another WITH, but not after it.
SELECT answer.* FROM answer;
