INSERT INTO touched
SELECT DISTINCT {keys} FROM {core} WHERE _raw_key IN (SELECT raw_key FROM applied)
EXCEPT
SELECT {keys} FROM touched
