"""What runs in containers: the ingest and process functions and the plain Python that they share."""
