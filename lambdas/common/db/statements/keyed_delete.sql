DELETE FROM {core} USING touched WHERE {core_key}{range}
