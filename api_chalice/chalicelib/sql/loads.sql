-- The ledger as a dataset: every entry, and whether it is the one in force for its object.
SELECT
    source,
    raw_key,
    raw_day,
    status,
    rows_in,
    rows_accepted,
    rows_rejected,
    rows_late,
    event_from,
    event_to,
    reason,
    load_id,
    generation,
    requested_by,
    loaded_at,
    ROW_NUMBER() OVER (PARTITION BY source, raw_key ORDER BY generation DESC) = 1 AS in_force
FROM ops.load_ledger
