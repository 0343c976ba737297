CREATE TABLE ops.load_ledger (
    source varchar(41), raw_key varchar(1024), raw_day date, etag varchar(64), contract_hash varchar(16),
    status varchar(16), rows_in bigint, rows_accepted bigint, rows_rejected bigint, rows_late bigint,
    event_from timestamp, event_to timestamp, curated_key varchar(1024), rejected_key varchar(1024),
    reason varchar(1024), load_id varchar(40), generation bigint, requested_by varchar(256), loaded_at timestamp
);
CREATE TABLE ops.generation (source varchar(41), generation bigint, loaded_at timestamp);
CREATE TABLE ops.mart_state (mart varchar(41), source varchar(41), generation bigint, refreshed_at timestamp);
