INSERT INTO touched
SELECT DISTINCT {keys} FROM staging WHERE _raw_key IN (SELECT raw_key FROM applied)
