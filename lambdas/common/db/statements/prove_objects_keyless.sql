    SELECT _raw_key, 0, 0, 0, 0, COUNT(*), COUNT(DISTINCT _raw_row), COUNT(*), 0
    FROM {core}
    WHERE _raw_key >= %s AND _raw_key < %s
    GROUP BY _raw_key
