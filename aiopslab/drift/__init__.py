"""Drift investigation: what moved, when, where, why, and what to do about it."""
