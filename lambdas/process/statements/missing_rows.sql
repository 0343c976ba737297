CREATE OR REPLACE TEMP TABLE missing_rows AS
WITH seen AS (
    SELECT _raw_row AS this, lag(_raw_row, 1, {before}) OVER () AS former
    FROM read_parquet({curated})
),
gaps AS (
    SELECT former + 1 AS first, this AS beyond FROM seen WHERE this <> former + 1
    UNION ALL
    SELECT coalesce(max(_raw_row), {before}) + 1, {end} FROM read_parquet({curated})
)
SELECT unnest(range(first, beyond)) AS missing FROM gaps
