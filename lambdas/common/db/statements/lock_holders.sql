SELECT DISTINCT pid, xid
FROM svv_transactions
WHERE relation = %s AND granted AND lock_mode <> 'AccessShareLock' AND pid <> pg_backend_pid()
