"""The daemon as a service of its machine: how it is installed, and who starts it again."""
