"""Sessions and their turns: the slot is the scope."""
