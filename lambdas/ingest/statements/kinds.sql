-- What a JSON value is, as one bit, so that bit_or over a column tells whether its values agree:
-- 1 boolean, 2 integer that a double holds exactly, 4 double, 8 other integer of 64 bits, 16 anything else.
CREATE OR REPLACE MACRO kind_of(value) AS CASE
    WHEN value IS NULL THEN 0
    ELSE CASE json_type(value)
        WHEN 'NULL' THEN 0
        WHEN 'BOOLEAN' THEN 1
        WHEN 'DOUBLE' THEN 4
        WHEN 'VARCHAR' THEN 16
        WHEN 'ARRAY' THEN 16
        WHEN 'OBJECT' THEN 16
        ELSE CASE
            WHEN TRY_CAST(value AS BIGINT) BETWEEN -9007199254740992 AND 9007199254740992 THEN 2
            WHEN TRY_CAST(value AS BIGINT) IS NOT NULL THEN 8
            ELSE 16
        END
    END
END
