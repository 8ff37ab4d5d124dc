"""Prompt evaluation: prompts compared on the same items, with error bars and at the least cost."""
