SELECT
    CAST(DATE_TRUNC('day', event_time) AS DATE) AS event_day,
    COUNT(*) AS events,
    MAX(magnitude) AS strongest,
    AVG(depth_km) AS mean_depth_km
FROM core.earthquakes
GROUP BY 1
