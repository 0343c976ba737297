INSERT INTO ops.load_ledger (
    source, raw_key, raw_day, etag, contract_hash, status, rows_in, rows_accepted, rows_rejected, rows_late,
    event_from, event_to, curated_key, rejected_key, reason, load_id, generation, requested_by, request_id, loaded_at
) VALUES {rows}
