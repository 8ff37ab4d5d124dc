"""Retrieval: which configuration finds the passages that answer, proven on questions.

Importing this is cheap; pandas and the rest are loaded with what is asked for.
"""
