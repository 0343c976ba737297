-- What was remarked of the objects in force of a source's raw days: drift, broken rules, why one was set aside.
SELECT
    e.status, e.reason, COUNT(*) AS objects, MAX(e.raw_key) AS newest,
    MIN(e.raw_day) AS first, MAX(e.raw_day) AS last
FROM (
    SELECT
        l.raw_key, l.raw_day, l.status, l.reason,
        ROW_NUMBER() OVER (PARTITION BY l.raw_key ORDER BY l.generation DESC) AS place
    FROM ops.load_ledger AS l
    WHERE l.source = %s AND l.raw_day >= %s AND l.raw_day < %s
) AS e
WHERE e.place = 1 AND e.status <> 'forgotten' AND e.reason IS NOT NULL
GROUP BY e.status, e.reason
ORDER BY COUNT(*) DESC, e.reason
LIMIT 20
