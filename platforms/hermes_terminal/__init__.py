"""The terminal platform."""
