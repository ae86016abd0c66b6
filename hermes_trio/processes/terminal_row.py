"""One row of a terminal that a program writes over: what it shows at the end, without secrets."""

from __future__ import annotations

import re

from hermes_trio.text.secret_ranges import REDACTED, Seeks

COLUMNS_MAX = 256
"""Where a move of the cursor ends, as at a terminal's edge; or at the row's end, if that is farther. Without
this limit ten bytes of output could make a row of ten thousand cells."""

_MOVE = re.compile(r"\r|\x08+|\x1b(?:\[[0-9]*[KGCD])?")
_MOVE_MAX = 8
_STROKES = re.compile(r"[^\r\x08\x1b]+|\r|\x08+|\x1b\[([0-9]*)([KGCD])")
_MASK = "\0"
_MASKS = re.compile(f"{_MASK}+")


class DrawnRow:
    """A row, and what was written on it, in the order in which it was written.

    Secrets are looked for in that order, and not in what the row shows: when the beginning of a secret is
    written over, its rest is not recognised any more.

    Args:
        secrets: finds the secrets in a text.
        text: what stands on the row already; the cursor is behind that.
        longest: how many characters a secret has at most.
    """

    def __init__(self, secrets: Seeks, text: str, longest: int) -> None:
        self._secrets = secrets
        self._longest = longest
        self._cells, self._at = "", 0
        self._strokes = text

    def write(self, row: str) -> str:
        """Write characters and moves of the cursor. Returns the beginning of a row that grew too long."""
        self._strokes += row
        if len(self._strokes) <= 2 * self._longest:
            return ""
        masked = self._masked()
        cut = len(masked) - self._longest
        if (move := _MOVE.search(masked, cut - _MOVE_MAX)) and move.start() < cut < move.end():
            cut = move.end()
        self._cells, self._at = _drawn(self._cells, self._at, masked[:cut])
        self._strokes = masked[cut:]
        over = max(len(self._cells) - 2 * self._longest, 0)
        given, self._cells = self._cells[:over], self._cells[over:]
        self._at = max(self._at - over, 0)
        return _MASKS.sub(REDACTED, given)

    def text(self) -> str:
        """What the row shows now."""
        cells, at = _drawn(self._cells, self._at, self._masked())
        shown = _MASKS.sub(REDACTED, cells) if _MASK in cells else cells
        return shown.rstrip(" ") if at < len(cells) else shown

    def _masked(self) -> str:
        """What has been written and is not drawn yet, with each character of a secret masked."""
        ranges = self._secrets.found(_MOVE.sub("", self._strokes))
        if not ranges:
            return self._strokes
        strokes = list(self._strokes)
        written = [
            place
            for stroke in _STROKES.finditer(self._strokes)
            if not _MOVE.match(stroke[0])
            for place in range(*stroke.span())
        ]
        for start, end in ranges:
            for place in written[start:end]:
                strokes[place] = _MASK
        return "".join(strokes)


def _drawn(shown: str, at: int, strokes: str) -> tuple[str, int]:
    """The row after these characters and moves, and the cursor's place."""
    cells = list(shown)
    for stroke in _STROKES.finditer(strokes):
        said, count = stroke[0], int(stroke[1] or 0)
        match stroke[2] or (said[0] if said[0] in "\r\b" else ""):
            case "\r":
                at = 0
            case "\b":
                at = max(at - len(said), 0)
            case "K" if count == 2:
                cells.clear()
            case "K":
                del cells[at if count == 0 else len(cells) :]
            case "G":
                at = min(max(count - 1, 0), max(len(cells), COLUMNS_MAX))
            case "C":
                at = min(at + max(count, 1), max(len(cells), COLUMNS_MAX))
            case "D":
                at = max(at - max(count, 1), 0)
            case _:
                cells += " " * (at - len(cells))
                cells[at : at + len(said)] = said
                at += len(said)
    return "".join(cells), at
