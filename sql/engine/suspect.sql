-- What:  the keys of the builds that are not whole, of those among certain keys, and by how much.
-- For:   the sieve.
-- Why:   in psql: -v among='IN (1, 2)'. A bucket holds sound builds too; the rules look only at those that are left here.
SELECT share.build_key::text, sum(share.share) AS difference
  FROM share
 WHERE share.build_key :among
 GROUP BY share.build_key
HAVING sum(share.share) IS DISTINCT FROM 0;
