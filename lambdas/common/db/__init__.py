"""The warehouse: connections, SQL, DDL, the ledger and the load."""
