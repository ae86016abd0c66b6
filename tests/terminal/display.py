"""A small terminal: what a user would see after these bytes."""

import codecs
import re

_TOKEN = re.compile(r"\x1b\[(\??[0-9;]*)([A-Za-z])|(.)", re.DOTALL)


class Display:
    def __init__(self, width=40, height=10):
        self.width, self.height = width, height
        self.rows = [""]
        self.row = self.column = 0
        self.styled = ""
        self.modes = {}
        self._style = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._rest = ""

    def feed(self, data):
        text = self._rest + self._decoder.decode(data)
        cut = re.search(r"\x1b(\[\??[0-9;]*)?\Z", text)
        self._rest = text[cut.start() :] if cut else ""
        for number, code, char in _TOKEN.findall(text[: cut.start()] if cut else text):
            if number.startswith("?"):
                self.modes[number] = code
            elif code:
                self._control(int(number.split(";")[0] or 1), number, code)
            else:
                self._print(char)

    def _control(self, number, numbers, code):
        top = max(0, len(self.rows) - self.height)
        if code == "A":
            self.row = max(top, self.row - number)
        elif code == "J":
            self.rows[self.row] = self.rows[self.row][: self.column]
            del self.rows[self.row + 1 :]
        elif code == "m":
            self._style = numbers
        else:
            raise AssertionError(f"unexpected control {numbers}{code}")

    def _print(self, char):
        if char == "\r":
            self.column = 0
        elif char == "\b":
            self.column = max(self.column - 1, 0)
        elif char == "\n":
            self._down()
        else:
            assert char.isprintable(), f"control character {char!r}"
            wide = 2 if "\u1100" <= char <= "\uffdc" or char > "\U0001f000" else 1
            if self.column + wide > self.width:
                self._down()
                self.column = 0
            line = self.rows[self.row]
            self.rows[self.row] = line[: self.column].ljust(self.column) + char + line[self.column + 1 :]
            self.column += wide
            if self._style not in ("", "0"):
                self.styled += char

    def _down(self):
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append("")

    def resize(self, width):
        """The window becomes narrower: rows that are too long go on in the next, as most terminals do it."""
        assert self.row == len(self.rows) - 1
        self.rows = [row[at : at + width] for row in self.rows for at in range(0, max(len(row), 1), width)]
        self.width, self.row = width, len(self.rows) - 1

    @property
    def text(self):
        """All rows, those that scrolled off too."""
        return "\n".join(row.rstrip() for row in self.rows)
