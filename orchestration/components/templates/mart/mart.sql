SELECT
    CAST(event_time AS DATE) AS event_day,
    COUNT(*) AS events
FROM core.the_source
GROUP BY CAST(event_time AS DATE)
