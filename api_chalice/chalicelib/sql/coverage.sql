-- What is known of some days of the sources behind a dataset: one row a run of days that are alike.
-- `state` is 2 for days with rows, 1 for days that are proved empty, 0 for days with nothing in force or with nothing but
-- rejected rows.
-- A source without any such day gives one row without days.
WITH seen AS (
    {seen}
),

entries AS (
    SELECT
        l.source,
        l.raw_day,
        l.status,
        l.rows_in,
        l.rows_accepted,
        l.rows_rejected,
        l.rows_late,
        ROW_NUMBER() OVER (PARTITION BY l.source, l.raw_key ORDER BY l.generation DESC) AS place
    FROM ops.load_ledger AS l
    INNER JOIN seen AS s ON l.source = s.source
    WHERE l.generation <= s.generation AND {days}
),

days AS (
    SELECT
        source,
        raw_day,
        CASE
            WHEN SUM(CASE WHEN status = 'loaded' THEN rows_accepted ELSE 0 END) > 0 THEN 2
            WHEN SUM(CASE WHEN status = 'loaded' THEN rows_in ELSE 0 END) > 0 THEN 0
            ELSE MAX(CASE WHEN status = 'loaded' THEN 1 ELSE 0 END)
        END AS state,
        SUM(CASE WHEN status = 'loaded' THEN rows_rejected ELSE 0 END) AS rows_rejected,
        SUM(CASE WHEN status = 'loaded' THEN rows_late ELSE 0 END) AS rows_late,
        SUM(CASE WHEN status = 'bad' THEN 1 ELSE 0 END) AS objects_bad
    FROM entries
    WHERE place = 1
    GROUP BY source, raw_day
),

numbered AS (
    SELECT
        source,
        raw_day,
        state,
        rows_rejected,
        rows_late,
        objects_bad,
        raw_day - CAST(ROW_NUMBER() OVER (PARTITION BY source, state ORDER BY raw_day) AS integer) AS run
    FROM days
),

runs AS (
    SELECT
        source,
        state,
        MIN(raw_day) AS first_day,
        MAX(raw_day) AS last_day,
        SUM(rows_rejected) AS rows_rejected,
        SUM(rows_late) AS rows_late,
        SUM(objects_bad) AS objects_bad
    FROM numbered
    GROUP BY source, state, run
)

SELECT
    s.source,
    s.generation,
    s.as_of,
    s.refreshed_at,
    r.state,
    r.first_day,
    r.last_day,
    r.rows_rejected,
    r.rows_late,
    r.objects_bad
FROM seen AS s
LEFT JOIN runs AS r ON r.source = s.source
ORDER BY s.source, r.first_day
