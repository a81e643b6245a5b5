"""Formats: rows out of JSON, CSV and Parquet, and answers into CSV."""
