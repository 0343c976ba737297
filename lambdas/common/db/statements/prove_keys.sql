-- Keys for which core does not hold exactly the greatest version of history: by the row that should be there, and the
-- one that is. No key is shown, as it may be a person's.
SELECT w.raw_key AS wanted_key, w.raw_row AS wanted_row, c.raw_key AS found_key, c.raw_row AS found_row, c.found
FROM (
    SELECT {keys}, raw_key, raw_row
    FROM (
        SELECT
            {history_keys}, h._raw_key AS raw_key, h._raw_row AS raw_row,
            ROW_NUMBER() OVER (PARTITION BY {history_keys} ORDER BY {newest}h._raw_key DESC, h._raw_row DESC) AS place
        FROM {history} AS h
    ) AS ranked
    WHERE place = 1
) AS w
FULL JOIN (
    SELECT {keys}, MIN(_raw_key) AS raw_key, MIN(_raw_row) AS raw_row, COUNT(*) AS found
    FROM {core}
    GROUP BY {keys}
) AS c ON {same_key}
WHERE
    w.raw_key IS NULL OR c.raw_key IS NULL OR c.found <> 1
    OR c.raw_key <> w.raw_key OR c.raw_row <> w.raw_row
ORDER BY 1, 2, 3, 4
LIMIT {limit}
