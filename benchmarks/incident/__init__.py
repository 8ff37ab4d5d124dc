"""The incident benchmark, one module a subject, each with ``figures()``."""
