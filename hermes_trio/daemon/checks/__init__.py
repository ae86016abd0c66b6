"""What is looked at before a daemon runs, or when it does not do what it should: `check`, `doctor`."""
