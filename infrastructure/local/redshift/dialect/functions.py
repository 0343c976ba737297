"""Which functions Redshift has, and what stands for them in the backend.

A name that is in none of these tables is refused. SAME goes to the backend under its own name, where either
PostgreSQL's function means the same or catalog/functions.sql has one that does.
"""

from __future__ import annotations

AGGREGATES = frozenset(
    "any_value avg bit_and bit_or bool_and bool_or count listagg max median min percentile_cont percentile_disc "
    "stddev stddev_pop stddev_samp sum var_pop var_samp variance".split()
)
FRAMED = frozenset(AGGREGATES - {"listagg", "median", "percentile_cont", "percentile_disc"}) | {
    "first_value",
    "last_value",
    "nth_value",
}
RANKING = frozenset(
    "cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank ratio_to_report "
    "row_number".split()
)
SCALARS = frozenset(
    # numbers
    "abs acos asin atan atan2 cbrt ceil ceiling cos cot degrees exp floor ln log mod pi power pow radians random "
    "round sign sin sqrt tan trunc greatest least "
    # text
    "ascii bpcharcmp btrim char_length character_length charindex chr crc32 initcap left len length lower lpad "
    "ltrim octet_length quote_ident quote_literal regexp_count regexp_instr regexp_substr repeat replace "
    "replicate reverse right rpad rtrim split_part strpos strtol substr substring textlen to_hex translate upper "
    "md5 func_sha1 sha sha1 sha2 "
    # dates
    "add_months convert_timezone date_cmp date_part date_part_year date_trunc getdate last_day months_between "
    "next_day sysdate timeofday to_char to_date to_number to_timestamp "
    # json and super
    "can_json_parse is_valid_json is_valid_json_array json_array_length json_extract_path_text json_parse "
    "json_serialize json_typeof "
    # conditions
    "coalesce nullif "
    # the session and its objects
    "current_database current_schema has_database_privilege has_schema_privilege has_table_privilege "
    "pg_backend_pid pg_cancel_backend pg_get_userbyid pg_last_copy_count pg_last_copy_id pg_last_query_id "
    "pg_terminate_backend slice_num version".split()
)
REWRITTEN = frozenset(
    "avg concat dateadd date_add datediff date_diff decode isnull listagg median nvl nvl2 ratio_to_report "
    "regexp_replace percentile_cont to_timestamp".split()
)
# functions of the leader node: they work without tables or on catalog tables, and fail on user tables
LEADER_ONLY = frozenset(
    "age array_length array_lower array_to_string array_upper clock_timestamp col_description current_schemas "
    "current_setting format format_type generate_series has_column_privilege inet_client_addr isfinite now "
    "obj_description pg_encoding_to_char pg_get_constraintdef pg_get_expr pg_get_indexdef pg_get_viewdef "
    "pg_table_is_visible set_config statement_timestamp to_ascii".split()
)
# types whose cast is written as a function
CASTS = frozenset(["bigint", "date", "int", "int4", "int8", "timestamp", "timestamptz", "varchar", "float8"])

DATE_PARTS = {
    alias: part
    for part, aliases in {
        "millennium": "millennium millennia mil mils",
        "century": "century centuries c cent cents",
        "decade": "decade decades dec decs",
        "year": "year years y yr yrs",
        "quarter": "quarter quarters qtr qtrs",
        "month": "month months mon mons",
        "week": "week weeks w",
        "day": "day days d",
        "hour": "hour hours h hr hrs",
        "minute": "minute minutes m min mins",
        "second": "second seconds s sec secs",
        "milliseconds": "millisecond milliseconds ms msec msecs msecond mseconds millisec millisecs millisecon",
        "microseconds": "microsecond microseconds us usec usecs usecond useconds microsec microsecs microsecon",
        "dow": "dayofweek dow dw weekday",
        "doy": "dayofyear doy dy yearday",
        "epoch": "epoch",
    }.items()
    for alias in aliases.split()
}
