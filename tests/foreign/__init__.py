"""Text that somebody else wrote holds nobody up and costs what it is long."""
