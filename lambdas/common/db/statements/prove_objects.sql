-- Raw keys of which the ledger and the tables do not say the same. `known` are the rows that differ in raw key and row.
SELECT
    o.raw_key,
    SUM(o.entries) AS entries,
    SUM(o.rows_in) AS rows_in,
    SUM(o.rows_accepted) AS rows_accepted,
    SUM(o.rows_rejected) AS rows_rejected,
    SUM(o.held) AS held,
    SUM(o.known) AS known,
    SUM(o.newest) AS newest,
    SUM(o.superseded) AS superseded
FROM (
    SELECT
        e.raw_key, 1 AS entries, e.rows_in, e.rows_accepted, e.rows_rejected,
        0 AS held, 0 AS known, 0 AS newest, 0 AS superseded
    FROM (
        SELECT
            l.raw_key, l.rows_in, l.rows_accepted, l.rows_rejected,
            ROW_NUMBER() OVER (PARTITION BY l.raw_key ORDER BY l.generation DESC) AS place
        FROM ops.load_ledger AS l
        WHERE l.source = %s AND l.raw_key >= %s AND l.raw_key < %s
    ) AS e
    WHERE e.place = 1
    UNION ALL
    {counted}
) AS o
GROUP BY o.raw_key
HAVING
    SUM(o.rows_in) <> SUM(o.rows_accepted) + SUM(o.rows_rejected)
    OR SUM(o.rows_accepted) <> SUM(o.held)
    OR SUM(o.held) <> SUM(o.known)
    OR SUM(o.rows_accepted) <> SUM(o.newest) + SUM(o.superseded)
ORDER BY o.raw_key
LIMIT {limit}
