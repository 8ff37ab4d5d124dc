"""The drift benchmark, one module a subject, each with ``figures()``."""
