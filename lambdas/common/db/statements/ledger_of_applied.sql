SELECT raw_key, etag, contract_hash, status, rows_accepted, load_id, generation
FROM (
    SELECT
        l.raw_key, l.etag, l.contract_hash, l.status, l.rows_accepted, l.load_id, l.generation,
        ROW_NUMBER() OVER (PARTITION BY l.raw_key ORDER BY l.generation DESC) AS newest
    FROM ops.load_ledger AS l
    JOIN applied AS a ON a.raw_key = l.raw_key
    WHERE l.source = %s AND l.raw_day >= %s AND l.raw_day <= %s
) AS e
WHERE newest = 1
