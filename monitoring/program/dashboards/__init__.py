"""Dashboards, from the typed builders of Grafana's own SDK."""
