"""The parts of hermes-trio, and where they are."""
