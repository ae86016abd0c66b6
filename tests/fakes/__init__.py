"""Fakes of what the daemon talks to: real sockets on 127.0.0.1, scripted behaviour, everything recorded."""
