DELETE FROM {history} WHERE {where} AND _raw_key IN (SELECT raw_key FROM applied)
