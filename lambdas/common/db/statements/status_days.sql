-- The raw days of all sources that have objects in force, by the contract that loaded them.
SELECT
    e.source, e.raw_day, e.contract_hash, COUNT(*) AS objects, SUM(CASE WHEN e.status = 'loaded' THEN 1 ELSE 0 END) AS loaded
FROM (
    SELECT
        l.source, l.raw_day, l.contract_hash, l.status,
        ROW_NUMBER() OVER (PARTITION BY l.source, l.raw_key ORDER BY l.generation DESC) AS place
    FROM ops.load_ledger AS l
) AS e
WHERE e.place = 1 AND e.status <> 'forgotten'
GROUP BY e.source, e.raw_day, e.contract_hash
ORDER BY e.source, e.raw_day
