"""Sharing: the gallery published, served, kept small, and an edition for outsiders."""
