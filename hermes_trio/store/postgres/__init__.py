"""The store in a PostgreSQL database, for one gateway at a time."""
