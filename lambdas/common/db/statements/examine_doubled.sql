-- How many values that may stand once stand more than once, of those that the rows of the raw days hold.
SELECT COUNT(*) AS doubled
FROM (
    SELECT {columns}
    FROM {core}
    WHERE {given}
    GROUP BY {columns}
    HAVING COUNT(*) > 1 AND MAX(CASE WHEN _raw_key >= %s AND _raw_key < %s THEN 1 ELSE 0 END) = 1
) AS more
