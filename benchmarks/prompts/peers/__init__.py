"""Other evaluators of prompts on the same items, each in an environment of its own."""
