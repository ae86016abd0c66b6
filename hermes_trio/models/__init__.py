"""Which model and which key a call takes, what becomes of a refusal. `providers/` speak to the services."""
