    SELECT
        h._raw_key, 0, 0, 0, 0, COUNT(*), COUNT(DISTINCT h._raw_row), 0,
        SUM(CASE WHEN c._raw_key IS NULL THEN 1 ELSE 0 END)
    FROM {history} AS h
    LEFT JOIN (SELECT DISTINCT _raw_key, _raw_row FROM {core}) AS c
        ON c._raw_key = h._raw_key AND c._raw_row = h._raw_row
    WHERE h._raw_key >= %s AND h._raw_key < %s
    GROUP BY h._raw_key
    UNION ALL
    SELECT _raw_key, 0, 0, 0, 0, 0, 0, COUNT(*), 0
    FROM {core}
    WHERE _raw_key >= %s AND _raw_key < %s
    GROUP BY _raw_key
