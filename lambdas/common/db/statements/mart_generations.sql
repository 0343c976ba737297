SELECT s.source, s.generation
FROM (
    SELECT
        m.source, m.generation,
        -- GETDATE has whole seconds: of two refreshes in one, the one that saw more is the later.
        ROW_NUMBER() OVER (PARTITION BY m.source ORDER BY m.refreshed_at DESC, m.generation DESC) AS newest
    FROM ops.mart_state AS m
    WHERE m.mart = %s
) AS s
WHERE s.newest = 1
