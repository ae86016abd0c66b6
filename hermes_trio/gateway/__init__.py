"""A whole gateway: its parts wired together, opened, handled by its host, drained."""
