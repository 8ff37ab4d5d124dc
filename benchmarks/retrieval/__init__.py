"""What the retrieval benchmark measures, one module a subject."""
