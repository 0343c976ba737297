"""UNLOAD to S3: the rows of a query as files, made by the proxy from what the backend sends."""
