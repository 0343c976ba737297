SELECT
    g.source,
    g.generation,
    g.loaded_at,
    COUNT(DISTINCT e.raw_day) AS days,
    COUNT(e.raw_key) AS objects,
    SUM(CASE WHEN e.status = 'bad' THEN 1 ELSE 0 END) AS bad,
    SUM(e.rows_in) AS rows_in,
    SUM(e.rows_accepted) AS rows_accepted,
    SUM(e.rows_rejected) AS rows_rejected,
    SUM(e.rows_late) AS rows_late,
    MAX(e.event_to) AS newest
FROM ops.generation AS g
LEFT JOIN (
    SELECT
        l.source, l.raw_key, l.raw_day, l.status, l.rows_in, l.rows_accepted, l.rows_rejected, l.rows_late, l.event_to,
        ROW_NUMBER() OVER (PARTITION BY l.source, l.raw_key ORDER BY l.generation DESC) AS place
    FROM ops.load_ledger AS l
) AS e ON e.source = g.source AND e.place = 1 AND e.status <> 'forgotten'
GROUP BY g.source, g.generation, g.loaded_at
ORDER BY g.source
