"""The way of an answer to its platform."""
