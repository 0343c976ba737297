-- Per mart: when it was last refreshed, and as of when its oldest source was then.
SELECT
    f.mart,
    MAX(f.refreshed_at) AS refreshed_at,
    MIN(f.as_of) AS as_of
FROM (
    SELECT
        m.mart,
        m.source,
        m.refreshed_at,
        MAX(e.loaded_at) AS as_of
    FROM (
        SELECT
            mart,
            source,
            generation,
            refreshed_at,
            ROW_NUMBER() OVER (PARTITION BY mart, source ORDER BY refreshed_at DESC, generation DESC) AS place
        FROM ops.mart_state
    ) AS m
    LEFT JOIN ops.load_ledger AS e ON e.source = m.source AND e.generation <= m.generation
    WHERE m.place = 1
    GROUP BY m.mart, m.source, m.refreshed_at
) AS f
GROUP BY f.mart
