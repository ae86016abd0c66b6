"""Where the daemon's log lines go, and those of libraries."""
