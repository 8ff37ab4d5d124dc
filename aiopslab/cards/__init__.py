"""Cards: what a model, a prompt or an index is, from what was recorded of it."""
