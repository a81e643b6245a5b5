"""A predictor as plain data: frozen dataclasses that can be printed, and stored as JSON."""
