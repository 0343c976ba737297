-- How many values that may stand once stand more than once, of those that the rows of the raw days hold, and the first
-- and the last raw key of their rows.
SELECT COUNT(*) AS doubled, MIN(_first_key) AS _first_key, MAX(_last_key) AS _last_key
FROM (
    SELECT {columns}, MIN(_raw_key) AS _first_key, MAX(_raw_key) AS _last_key
    FROM {core}
    WHERE {given}
    GROUP BY {columns}
    HAVING COUNT(*) > 1 AND MAX(CASE WHEN _raw_key >= %s AND _raw_key < %s THEN 1 ELSE 0 END) = 1
) AS more
