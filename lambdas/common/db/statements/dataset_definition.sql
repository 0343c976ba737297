SELECT key_columns, version_column, event_time, distribution_key FROM ops.dataset_definition WHERE source = %s
