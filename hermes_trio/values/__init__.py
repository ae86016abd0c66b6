"""The frozen values that travel between the folders, and what follows from a commit (`consequences.py`)."""
