"""The folder where a daemon keeps what outlives it: found, locked, owned."""
