"""What watches the service: configuration of Prometheus and Grafana, and the program that writes it."""
