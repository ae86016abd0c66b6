"""`python -m hermes_trio` is `hermes-trio`."""

from __future__ import annotations

from hermes_trio.cli import main

main()
