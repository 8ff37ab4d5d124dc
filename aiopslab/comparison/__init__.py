"""Comparison: what changed between two runs, and a report repeated from its own page."""
