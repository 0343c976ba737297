-- What the entries in force say of each raw day of a source that has any.
SELECT
    e.raw_day,
    COUNT(*) AS objects,
    SUM(CASE WHEN e.status = 'bad' THEN 1 ELSE 0 END) AS bad,
    SUM(e.rows_in) AS rows_in,
    SUM(e.rows_accepted) AS rows_accepted,
    SUM(e.rows_rejected) AS rows_rejected,
    SUM(e.rows_late) AS rows_late
FROM (
    SELECT
        l.raw_day, l.status, l.rows_in, l.rows_accepted, l.rows_rejected, l.rows_late,
        ROW_NUMBER() OVER (PARTITION BY l.raw_key ORDER BY l.generation DESC) AS place
    FROM ops.load_ledger AS l
    WHERE l.source = %s AND l.raw_day >= %s AND l.raw_day < %s
) AS e
WHERE e.place = 1 AND e.status <> 'forgotten'
GROUP BY e.raw_day
ORDER BY e.raw_day
