-- Per mart: when it was last refreshed, as of when its oldest source was then, and the days that its sources had then.
SELECT
    f.mart,
    MAX(f.refreshed_at) AS refreshed_at,
    MIN(f.as_of) AS as_of,
    MIN(f.first_day) AS first_day,
    MAX(f.last_day) AS last_day
FROM (
    SELECT
        e.mart,
        e.source,
        e.refreshed_at,
        MAX(e.loaded_at) AS as_of,
        MIN(CASE WHEN e.place = 1 AND e.status = 'loaded' THEN e.raw_day END) AS first_day,
        MAX(CASE WHEN e.place = 1 AND e.status = 'loaded' THEN e.raw_day END) AS last_day
    FROM (
        SELECT
            m.mart,
            m.source,
            m.refreshed_at,
            l.loaded_at,
            l.raw_day,
            l.status,
            ROW_NUMBER() OVER (PARTITION BY m.mart, m.source, l.raw_key ORDER BY l.generation DESC) AS place
        FROM (
            SELECT
                mart,
                source,
                generation,
                refreshed_at,
                ROW_NUMBER() OVER (PARTITION BY mart, source ORDER BY refreshed_at DESC, generation DESC) AS place
            FROM ops.mart_state
        ) AS m
        LEFT JOIN ops.load_ledger AS l ON l.source = m.source AND l.generation <= m.generation
        WHERE m.place = 1
    ) AS e
    GROUP BY e.mart, e.source, e.refreshed_at
) AS f
GROUP BY f.mart
