"""One file per slash command. `intake/commands.py` runs them."""
