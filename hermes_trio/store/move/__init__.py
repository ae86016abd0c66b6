"""A store moved from a file into a database, or back: every row, compared, in one transaction."""
