"""Runs in which the fault is in another layer than the symptom, and what is said of them."""
