"""The reference that drift is measured against: its rooms make one of rows, while a model is imported."""
