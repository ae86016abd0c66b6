"""Programs that turns start: who owns them, what they wrote, how they end."""
