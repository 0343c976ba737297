SELECT
    f.origin,
    f.scheduled_hour AS hour,
    COUNT(*) AS flights,
    SUM(CASE WHEN f.cancelled THEN 1 ELSE 0 END) AS cancelled,
    AVG(CAST(f.dep_delay AS DOUBLE PRECISION)) AS mean_delay,
    MAX(w.wind_speed) AS wind_speed,
    MAX(w.visib) AS visib,
    MAX(w.precip) AS precip
FROM core.flights AS f
LEFT JOIN core.weather AS w ON f.origin = w.origin AND f.scheduled_hour = w.time_hour
GROUP BY f.origin, f.scheduled_hour
