"""Statistics that rooms share: how sure a number is, and what a difference comes to."""
