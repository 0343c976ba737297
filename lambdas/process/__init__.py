"""The process and migrate functions: from raw objects to warehouse tables."""
