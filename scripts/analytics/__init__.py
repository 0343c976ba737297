"""The command `analytics`: what people ask of the platform beyond ingesting."""
