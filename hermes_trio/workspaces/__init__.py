"""The files of a conversation: a folder of its own, opened by descriptor, with limits."""
