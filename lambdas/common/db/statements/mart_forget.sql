DELETE FROM ops.{table} WHERE mart = %s
