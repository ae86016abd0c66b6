"""The way of an answer to its platform: a task per chat and thread, the only one that calls `deliver`."""
