-- How many rows core holds of the raw days, how many of them lack a value that the contract requires, and the first and
-- the last raw key of these.
SELECT
    COUNT(*) AS total,
    MIN(CASE WHEN {lacking} THEN _raw_key END) AS _first_key,
    MAX(CASE WHEN {lacking} THEN _raw_key END) AS _last_key{nulls}
FROM {core}
WHERE _raw_key >= %s AND _raw_key < %s
