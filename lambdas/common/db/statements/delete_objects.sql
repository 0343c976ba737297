DELETE FROM {table} USING applied WHERE {table}._raw_key = applied.raw_key
