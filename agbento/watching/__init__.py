"""What a worker counts and logs of its requests, and how that gets to a scrape."""
