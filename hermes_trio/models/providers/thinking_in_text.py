"""Thinking that a provider puts into the text of its answer: neither shown nor kept.

It stands at the beginning, between two marks. Whether what has come so far is such a mark may take a few
pieces to see; until then it is held back.
"""

from __future__ import annotations

MARKS = (
    ("<think>", "</think>"),  # DeepSeek R1, Qwen, MiniMax, GLM, and most of what runs locally
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),  # Gemini
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),  # Magistral
    ("◁think▷", "◁/think▷"),  # Kimi
)

LOST = "</think>"
"""Some templates say the first mark themselves, so that only the second is in the answer."""


class Thinking:
    """Takes thinking out of the beginning of a text.

    Attributes:
        over: nothing more is taken out: what follows need not be handed over.
    """

    def __init__(self) -> None:
        self.over = False
        self._blank: list[str] = []
        self._held = ""
        self._until = ""
        self._took = False

    def take(self, piece: str) -> str:
        """The piece, without what is thinking or may become it."""
        text = self._held + piece
        while True:
            if self._until:
                _, found, rest = text.partition(self._until)
                if not found:
                    self._held = text[-len(self._until) :]
                    return ""
                text, self._until, self._took = rest, "", True
            bare = text.lstrip()
            # What was looked at once is not looked at again, however long the white space becomes.
            if not self._took:
                self._blank.append(text[: len(text) - len(bare)])
            for begin, end in MARKS:
                if bare.startswith(begin):
                    text, self._until = bare[len(begin) :], end
                    break
                if begin.startswith(bare):
                    self._held = bare
                    return ""
            else:
                self.over, self._held = True, bare
                return self.end()

    def end(self) -> str:
        """What was held back, now that nothing follows."""
        blank = "" if self._took else "".join(self._blank)
        held, self._held = "" if self._until else blank + self._held, ""
        self._blank.clear()
        return held


def without_lost(text: str) -> str:
    """The text without thinking whose first mark is missing. What stands in backticks is spoken of."""
    before, mark, after = text.partition(LOST)
    if not mark or "<think>" in before or before.count("`") % 2:
        return text
    return after.lstrip()
