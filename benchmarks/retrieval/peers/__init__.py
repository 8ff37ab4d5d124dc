"""Other libraries on the same rankings and texts, each in an environment of its own."""
