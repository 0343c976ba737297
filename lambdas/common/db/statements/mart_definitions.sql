SELECT d.mart, d.definition_hash, d.inputs, d.readers
FROM (
    SELECT
        m.mart, m.definition_hash, m.inputs, m.readers,
        ROW_NUMBER() OVER (PARTITION BY m.mart ORDER BY m.created_at DESC) AS newest
    FROM ops.mart_definition AS m
) AS d
WHERE d.newest = 1
