"""Deliberate mistakes in the gateway, and the simulation that has to notice each: `make mutants`."""
