"""COPY from S3: what the proxy itself does between the client's statement and the backend."""
