"""Open a source, profile it, split it."""
