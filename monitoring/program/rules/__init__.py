"""Recording rules and alerts, as Prometheus reads them."""
