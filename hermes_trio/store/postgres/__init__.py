"""The store in a PostgreSQL database, for one gateway or several."""
