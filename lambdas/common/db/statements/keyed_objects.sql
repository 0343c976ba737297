SELECT DISTINCT _raw_key AS raw_key FROM {history} WHERE {where}
