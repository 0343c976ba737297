SELECT e.*
FROM (
    SELECT l.*, ROW_NUMBER() OVER (PARTITION BY l.raw_key ORDER BY l.generation DESC) AS newest
    FROM ops.load_ledger AS l
    WHERE l.source = %s
) AS e
WHERE e.newest = 1
