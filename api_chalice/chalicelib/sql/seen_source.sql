SELECT
    source,
    generation,
    loaded_at AS as_of
FROM ops.generation
WHERE source = %s
