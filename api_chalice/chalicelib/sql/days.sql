-- What the entries in force say of each day of the sources behind a dataset.
WITH seen AS (
    {seen}
),

entries AS (
    SELECT
        l.raw_day,
        l.status,
        l.rows_in,
        l.rows_accepted,
        l.rows_rejected,
        l.rows_late,
        l.reason,
        ROW_NUMBER() OVER (PARTITION BY l.source, l.raw_key ORDER BY l.generation DESC) AS place
    FROM ops.load_ledger AS l
    INNER JOIN seen AS s ON l.source = s.source
    WHERE l.generation <= s.generation AND {days}
)

SELECT
    raw_day AS day,
    COUNT(*) AS objects,
    SUM(CASE WHEN status = 'bad' THEN 1 ELSE 0 END) AS objects_bad,
    SUM(CASE WHEN status = 'loaded' THEN rows_in ELSE 0 END) AS rows_in,
    SUM(CASE WHEN status = 'loaded' THEN rows_accepted ELSE 0 END) AS rows_accepted,
    SUM(CASE WHEN status = 'loaded' THEN rows_rejected ELSE 0 END) AS rows_rejected,
    SUM(CASE WHEN status = 'loaded' THEN rows_late ELSE 0 END) AS rows_late,
    MAX(CASE WHEN status <> 'forgotten' THEN reason END) AS reason
FROM entries
WHERE place = 1
GROUP BY raw_day
ORDER BY raw_day
