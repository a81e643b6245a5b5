"""What Prometheus and Grafana are given: rules, alerts, dashboards and the page of the metrics, written as files."""
