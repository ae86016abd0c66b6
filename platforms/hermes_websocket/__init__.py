"""The websocket platform."""
