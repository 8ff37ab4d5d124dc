"""The prompt benchmark, one module a subject, each with ``figures()``."""
