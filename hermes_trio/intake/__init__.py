"""The way of an update: accounts, the receiver, commands."""
