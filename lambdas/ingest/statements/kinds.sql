-- What a JSON value is, as one bit, so that bit_or over a column tells whether its values agree:
-- 1 boolean, 2 integer that a double holds exactly, 4 double, 8 other integer of 64 bits, 16 anything else.
-- The first character tells most: parsing every value again would cost more than reading it did.
CREATE OR REPLACE MACRO kind_of(value) AS CASE ascii(CAST(value AS VARCHAR))
    WHEN 34 THEN 16  -- "text"
    WHEN 91 THEN 16  -- [array]
    WHEN 123 THEN 16 -- {object}
    WHEN 116 THEN 1  -- true
    WHEN 102 THEN 1  -- false
    WHEN 110 THEN 0  -- null
    ELSE CASE
        WHEN value IS NULL THEN 0
        WHEN json_type(value) = 'DOUBLE' THEN 4
        WHEN strlen(CAST(value AS VARCHAR)) < 16 THEN 2
        WHEN TRY_CAST(CAST(value AS VARCHAR) AS BIGINT) BETWEEN -9007199254740992 AND 9007199254740992 THEN 2
        WHEN TRY_CAST(CAST(value AS VARCHAR) AS BIGINT) IS NOT NULL THEN 8
        ELSE 16
    END
END
