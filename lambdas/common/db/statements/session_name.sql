SELECT application_name FROM sys_connection_log WHERE session_id = %s ORDER BY record_time DESC LIMIT 1
