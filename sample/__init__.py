"""The demo's data, predictor, bucket and walk; nothing here is part of the service."""
