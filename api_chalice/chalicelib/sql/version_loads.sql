SELECT
    'ledger' AS source,
    SUM(generation) AS generation,
    MAX(loaded_at) AS as_of,
    CAST(NULL AS timestamp) AS refreshed_at
FROM ops.generation
