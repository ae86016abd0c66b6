"""The agent that is a model with tools."""
