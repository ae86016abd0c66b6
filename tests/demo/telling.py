"""What a demo prints: lines with the seconds since it began, and claims that it checks."""

from __future__ import annotations

import trio
from rich.console import Console
from rich.markup import escape

from tests.demo.picture import Line

LOOK_S = 0.02


class NotSo(Exception):
    """A claim of the demo does not hold."""


class Teller:
    """Tells as it happens, and keeps what has been told in `told`."""

    def __init__(self, told: list[Line]) -> None:
        self._told = told
        self._began = trio.current_time()
        self._console = Console(highlight=False, soft_wrap=True)

    def tell(self, text: str, *, style: str = "") -> None:
        """A line with the seconds since the beginning."""
        self._told.append(Line(text, style))
        opening, end = (f"[{style}]", "[/]") if style else ("", "")
        seconds = trio.current_time() - self._began
        self._console.print(f"[dim]{seconds:6.2f} s[/]  {opening}{escape(text)}{end}")

    def claim(self, holds: bool, text: str) -> None:
        """A line that is so. Raises NotSo if it is not."""
        if not holds:
            self.tell(f"NOT SO: {text}", style="bold red")
            raise NotSo(text)
        self.tell(text, style="green")
