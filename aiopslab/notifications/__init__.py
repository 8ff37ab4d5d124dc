"""Notifications: people are told of a verdict that changed, a failure, a recovery."""
