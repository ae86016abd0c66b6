"""The whole river: opened, wired, and in the hands of its host."""
