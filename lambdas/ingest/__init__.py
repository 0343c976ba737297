"""The ingest function: from a source to raw objects."""
