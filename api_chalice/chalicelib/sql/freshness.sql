-- Per source: when it was last loaded, and what its entries in force say of days and rows.
SELECT
    g.source,
    g.loaded_at AS as_of,
    MIN(l.raw_day) AS first_day,
    MAX(l.raw_day) AS last_day,
    SUM(l.rows_accepted) AS rows_accepted
FROM ops.generation AS g
LEFT JOIN (
    SELECT
        source,
        raw_day,
        rows_accepted,
        status,
        ROW_NUMBER() OVER (PARTITION BY source, raw_key ORDER BY generation DESC) AS place
    FROM ops.load_ledger
) AS l ON l.source = g.source AND l.place = 1 AND l.status = 'loaded'
GROUP BY g.source, g.loaded_at
