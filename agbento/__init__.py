"""From an AutoGluon tabular predictor in S3 to a fast, watched prediction API."""

__version__ = "0.1.0"
