"""One file per model provider, and what they share."""
