"""Other libraries of drift detection on the same tables, each in an environment of its own."""
