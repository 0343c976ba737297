SELECT
    m.source,
    m.generation,
    MAX(e.loaded_at) AS as_of,
    m.refreshed_at
FROM (
    SELECT
        source,
        generation,
        refreshed_at,
        ROW_NUMBER() OVER (PARTITION BY source ORDER BY refreshed_at DESC, generation DESC) AS place
    FROM ops.mart_state
    WHERE mart = %s
) AS m
LEFT JOIN ops.load_ledger AS e ON e.source = m.source AND e.generation <= m.generation
WHERE m.place = 1
GROUP BY m.source, m.generation, m.refreshed_at
