-- The one value that a rule's query over a table gives, and whether the rule holds.
SELECT r.value, CASE WHEN {holds} THEN 1 ELSE 0 END AS holds
FROM (SELECT ({query}) AS value) AS r
