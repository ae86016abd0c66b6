"""What every room stands on: tasks, threads, time, the log, redaction."""
