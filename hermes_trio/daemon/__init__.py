"""What surrounds a gateway in its process: lock, signals, the operator's socket, log files, exit codes."""
