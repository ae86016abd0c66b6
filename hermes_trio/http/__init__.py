"""The connection to model providers and platforms."""
