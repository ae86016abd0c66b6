"""What is kept: `promises/` are functions of a transaction, `sqlite/` keeps them in a file by one writer."""
