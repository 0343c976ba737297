INSERT INTO {core} ({columns}, _raw_key, _raw_row, _loaded_at)
SELECT {columns}, _raw_key, _raw_row, _loaded_at
FROM (
    SELECT
        {history_columns}, h._raw_key, h._raw_row, h._loaded_at,
        ROW_NUMBER() OVER (PARTITION BY {history_keys} ORDER BY {newest}h._raw_key DESC, h._raw_row DESC) AS _rank
    FROM {history} AS h
    JOIN touched ON {history_key}{range}
) AS ranked
WHERE _rank = 1
