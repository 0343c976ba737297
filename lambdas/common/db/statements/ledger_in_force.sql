SELECT
    e.raw_key, e.raw_day, e.etag, e.contract_hash, e.status, e.rows_in, e.rows_accepted, e.rows_rejected,
    e.rows_late, e.curated_key, e.rejected_key, e.reason, e.load_id, e.generation, e.requested_by, e.request_id, e.loaded_at
FROM (
    SELECT l.*, ROW_NUMBER() OVER (PARTITION BY l.raw_key ORDER BY l.generation DESC) AS newest
    FROM ops.load_ledger AS l
    WHERE l.source = %s AND l.raw_day >= %s AND l.raw_day < %s
) AS e
WHERE e.newest = 1
ORDER BY e.raw_key
