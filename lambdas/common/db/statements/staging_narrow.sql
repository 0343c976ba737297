DELETE FROM staging WHERE _raw_key NOT IN (SELECT raw_key FROM applied)
