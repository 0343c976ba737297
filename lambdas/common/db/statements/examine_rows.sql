-- How many rows core holds of the raw days, and how many of them lack a value that the contract requires.
SELECT COUNT(*) AS total{nulls}
FROM {core}
WHERE _raw_key >= %s AND _raw_key < %s
