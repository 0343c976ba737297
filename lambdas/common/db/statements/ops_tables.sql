CREATE TABLE IF NOT EXISTS ops.load_ledger (
    source varchar(41) NOT NULL,
    raw_key varchar(1024) NOT NULL,
    raw_day date NOT NULL,
    etag varchar(64) NOT NULL,
    contract_hash varchar(16) NOT NULL,
    status varchar(16) NOT NULL,
    rows_in bigint NOT NULL,
    rows_accepted bigint NOT NULL,
    rows_rejected bigint NOT NULL,
    rows_late bigint NOT NULL,
    event_from timestamp,
    event_to timestamp,
    curated_key varchar(1024),
    rejected_key varchar(1024),
    reason varchar(1024),
    load_id varchar(40) NOT NULL,
    generation bigint NOT NULL,
    requested_by varchar(256) NOT NULL,
    request_id varchar(64),
    loaded_at timestamp NOT NULL
) DISTSTYLE AUTO COMPOUND SORTKEY (source, raw_day);

CREATE TABLE IF NOT EXISTS ops.generation (
    source varchar(41) NOT NULL,
    generation bigint NOT NULL,
    loaded_at timestamp
) DISTSTYLE ALL;

CREATE TABLE IF NOT EXISTS ops.mart_state (
    mart varchar(41) NOT NULL,
    source varchar(41) NOT NULL,
    generation bigint NOT NULL,
    refreshed_at timestamp NOT NULL
) DISTSTYLE ALL;

CREATE TABLE IF NOT EXISTS ops.mart_definition (
    mart varchar(41) NOT NULL,
    definition_hash varchar(16) NOT NULL,
    created_at timestamp NOT NULL,
    inputs varchar(4096),
    readers varchar(4096)
) DISTSTYLE ALL;

CREATE TABLE IF NOT EXISTS ops.dataset_definition (
    source varchar(41) NOT NULL,
    key_columns varchar(4096) NOT NULL,
    version_column varchar(127) NOT NULL,
    event_time varchar(127) NOT NULL,
    distribution_key varchar(127) NOT NULL,
    defined_at timestamp NOT NULL
) DISTSTYLE ALL
