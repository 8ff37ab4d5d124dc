"""Models that run on this machine without a key: their files, and what embeds texts."""
