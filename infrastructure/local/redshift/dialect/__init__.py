"""Redshift's SQL: parsed, refused where Redshift refuses it, rewritten for the embedded PostgreSQL."""
