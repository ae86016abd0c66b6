"""A log that keeps what it is told."""


class Lines:
    """Keeps (event, fields)."""

    def __init__(self):
        self.lines = []

    def __getattr__(self, level):
        return lambda event, **fields: self.lines.append((event, fields))

    def of(self, event):
        """The fields of each line of one event."""
        return [fields for name, fields in self.lines if name == event]
