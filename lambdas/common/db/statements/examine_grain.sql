-- How many values of a mart's key stand more than once.
SELECT COUNT(*) AS doubled
FROM (SELECT {columns} FROM {mart} GROUP BY {columns} HAVING COUNT(*) > 1) AS more
