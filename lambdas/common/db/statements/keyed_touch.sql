INSERT INTO touched
SELECT DISTINCT {keys}
FROM (
    SELECT {keys} FROM staging WHERE _raw_key IN (SELECT raw_key FROM applied)
    UNION ALL
    SELECT {keys} FROM {history} WHERE _raw_key IN (SELECT raw_key FROM applied)
) AS k
