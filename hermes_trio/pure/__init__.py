"""Decisions as plain functions: no trio, no I/O, no clock, no chance."""
