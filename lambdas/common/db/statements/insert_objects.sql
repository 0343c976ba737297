INSERT INTO {table} ({columns}, _raw_key, _raw_row, _loaded_at)
SELECT {values}, s._raw_key, s._raw_row, GETDATE()
FROM staging AS s
