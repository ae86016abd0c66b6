"""One file per tool of the built-in agent. `agent/agent.py` runs them."""
