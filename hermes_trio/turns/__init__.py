"""Sessions and their turns. The slot is the scope: a session is busy while its turn's block is open."""
