"""The story: a fault in one layer that is felt in another, from its beginning to the proof."""
