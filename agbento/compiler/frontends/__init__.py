"""AutoGluon's objects → plan: one file a family, and the walk through a predictor."""
