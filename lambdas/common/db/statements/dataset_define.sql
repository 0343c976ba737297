INSERT INTO ops.dataset_definition (source, key_columns, version_column, event_time, distribution_key, defined_at)
VALUES (%s, %s, %s, %s, %s, GETDATE())
