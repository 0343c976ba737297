SELECT
    source,
    generation,
    loaded_at AS as_of,
    CAST(NULL AS timestamp) AS refreshed_at
FROM ops.generation
WHERE source = %s
