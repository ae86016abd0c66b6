"""What every folder stands on: tasks, threads, time, the log, redaction."""
