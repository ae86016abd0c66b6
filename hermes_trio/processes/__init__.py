"""Processes: the programs that tools start. Who owns them, what they print, how they end."""
