"""What is markup, stricter than CommonMark: it takes `2*3=6 and 4*5=20` for emphasis, and eats the stars.

Emphasis begins and ends where a word does (in scripts that put no spaces between words: anywhere). A
backslash takes away what it can make harmless, and stays where it means something: in paths, patterns,
formulas. In doubt a text is shown as typed. Every rule looks at each character a bounded number of times.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline

NESTING_MAX = 24

_URL = re.compile(r"://[^\s<>`*\[\]()\\]*[^\s<>`*\[\]()\\_~.,;:!?'\"]")
_SCHEME = re.compile(r"(?<![A-Za-z0-9])https?$")
_PATH = re.compile(r"[^\s<>`|\"']*[^\s<>`|\"'*_~.,;:!?()\[\]]")
_DRIVE = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]$")
_DUNDER = re.compile(r"__[A-Za-z0-9]+(?:_[A-Za-z0-9]+)*__(?![A-Za-z0-9_])")
_TERM = re.compile(r"[\\^_={}]")
_FORMULA_MAX = 400
_HARMLESS = frozenset("*_~`[]#+-.!|><=&")
"""What a backslash before it makes harmless; before anything else it means itself."""
_BEFORE = frozenset("([{<\"'-:;,!?|>~_*+")
"""ASCII punctuation that emphasis may begin behind, and not `/`, `.`, `)`: those stand in paths and terms."""
_AFTER = frozenset(".,;:!?)]}>\"'-|~_*<")
"""ASCII punctuation that emphasis may end before."""
_NOT_FIRST = frozenset("./\\,;:!?)]}|&%=+-")
"""What a single star before it is a pattern, a list or a sum with, not emphasis."""
_SPACELESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff"
    "\uff00-\uffef\U00020000-\U0003ffff]"
)
"""Scripts whose words have no spaces between them, or whose endings follow a word at once."""
_UNDERLINE_MIN = 3
_CELLS = re.compile(r"(?<!\\)\|")


@cache
def parser() -> MarkdownIt:
    """The one parser: CommonMark, strikethrough and tables, with the rules of this module."""
    from markdown_it import MarkdownIt  # lazily: it costs 30 ms that a start without markdown need not pay

    made = MarkdownIt("commonmark", {"html": False, "maxNesting": NESTING_MAX})
    made.enable(["strikethrough", "table"])
    made.disable("reference")  # "[a]: b" would vanish
    made.inline.ruler.before("escape", "bare_url", _bare_url)
    made.inline.ruler.before("escape", "path", _path)
    made.inline.ruler.before("escape", "backslash", _backslash)
    made.inline.ruler.at("emphasis", _emphasis)
    made.block.ruler.at("lheading", _underlined)
    made.block.ruler.at("table", _table, {"alt": ["paragraph", "reference"]})
    made.parse("")  # it makes its tables of rules at first use, and two threads may not do that at once
    return made


def _keep(state: StateInline, text: str, silent: bool) -> bool:
    """This stretch is shown as typed."""
    if not silent:
        state.pending += text
    state.pos += len(text)
    return True


def _bare_url(state: StateInline, silent: bool) -> bool:
    """Keep a bare URL as typed: `__` in its path is no emphasis. The platforms make it a link."""
    if state.src[state.pos] != ":" or not _SCHEME.search(state.src[max(state.pos - 6, 0) : state.pos]):
        return False
    found = _URL.match(state.src, state.pos, state.posMax)
    return found is not None and _keep(state, found.group(), silent)


def _path(state: StateInline, silent: bool) -> bool:
    r"""Keep a path of Windows as typed: `\\server\_share`, `C:\_work`."""
    src, pos = state.src, state.pos
    if src[pos] == "\\":
        if not src.startswith("\\\\", pos) or (
            pos and not src[pos - 1].isspace() and src[pos - 1] not in _BEFORE
        ):
            return False
        begins = pos + 2
    elif src[pos] == ":":
        if not src.startswith(":\\", pos) or not _DRIVE.search(src[max(pos - 2, 0) : pos]):
            return False
        begins = pos + 2
    else:
        return False
    found = _PATH.match(src, begins, state.posMax)
    return _keep(state, src[pos : found.end() if found else begins], silent)


def _backslash(state: StateInline, silent: bool) -> bool:
    """Keep a backslash that makes nothing harmless, with what it stands before."""
    src, pos = state.src, state.pos
    if src[pos] != "\\" or pos + 1 >= state.posMax:
        return False
    after = src[pos + 1]
    if after in "[]":
        return _in_formula(src, pos, after) and _keep(state, src[pos : pos + 2], silent)
    if after == "\n" or after.isspace():
        return False
    if after in _HARMLESS and (
        after not in ".!=+-" or pos == 0 or src[pos - 1].isalnum() or src[pos - 1] in " \n)*"
    ):
        return False
    return _keep(state, src[pos : pos + 2] if after == "\\" or after in _HARMLESS else "\\", silent)


def _in_formula(src: str, pos: int, bracket: str) -> bool:
    r"""Whether this is the `\[` or `\]` of a formula, and not a bracket that shall be none."""
    if bracket == "[":
        begin, end = pos, src.find("\\]", pos, pos + _FORMULA_MAX)
    else:
        begin, end = src.rfind("\\[", max(pos - _FORMULA_MAX, 0), pos), pos
    return begin >= 0 and end >= 0 and _TERM.search(src, begin + 2, end) is not None


def _emphasis(state: StateInline, silent: bool) -> bool:
    """A run of `*` or `_`, with what it may open and close."""
    from markdown_it.rules_inline.state_inline import Delimiter

    src, start = state.src, state.pos
    marker = src[start]
    if silent or marker not in "*_":
        return False
    before = src[start - 1] if start else " "
    if marker == "_" and not (before.isalnum() and not _SPACELESS.match(before)):
        dunder = _DUNDER.match(src, start, state.posMax)
        if dunder is not None:
            return _keep(state, dunder.group(), silent)
    end = start
    while end < state.posMax and src[end] == marker:
        end += 1
    after = src[end] if end < state.posMax else " "
    beyond = src[end + 1] if end + 1 < state.posMax else " "
    opens = not after.isspace() and _edge(before, _BEFORE) and not (end - start == 1 and after in _NOT_FIRST)
    closes = not before.isspace() and before not in "/\\" and _edge(after, _AFTER)
    if closes and after in ".:-" and beyond.isalnum() and marker == "_":
        closes = False  # `_private_.py`, `_x_-y`
    for _ in range(end - start):
        token = state.push("text", "", 0)
        token.content = marker
        state.delimiters.append(
            Delimiter(
                marker=ord(marker),
                length=end - start,
                token=len(state.tokens) - 1,
                end=-1,
                open=opens,
                close=closes,
            )
        )
    state.pos = end
    return True


def _edge(char: str, marks: frozenset[str]) -> bool:
    """Whether a word ends at this character."""
    if char.isascii():
        return char.isspace() or char in marks
    return not char.isalnum() or _SPACELESS.match(char) is not None or unicodedata.category(char)[0] in "ZPS"


def _table(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    """A table. What a row has beyond the columns of the head stands in its last cell."""
    from markdown_it.rules_block import table

    begun = len(state.tokens)
    if not table(state, first, end, silent):
        return False
    cells: list[int] = []
    for at in range(begun, len(state.tokens)):
        token = state.tokens[at]
        if token.type == "tr_open":
            cells = []
        elif token.type == "inline":
            cells.append(at)
        elif token.type == "tr_close" and cells and (line := state.tokens[cells[-1]].map):
            row = state.src[state.bMarks[line[0]] + state.tShift[line[0]] : state.eMarks[line[0]]].strip()
            said = _CELLS.split(row.removeprefix("|").removesuffix("|"))
            if len(said) > len(cells):
                state.tokens[cells[-1]].content = " | ".join(map(str.strip, said[len(cells) - 1 :]))
    return True


def _underlined(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    """A heading with a line below it: of three marks at least, for `=` alone may be a term of a sum."""
    from markdown_it.rules_block import lheading

    begun, kind = len(state.tokens), state.parentType
    if not lheading(state, first, end, silent):
        return False
    last = state.line - 1
    if len(state.src[state.bMarks[last] + state.tShift[last] : state.eMarks[last]].strip()) >= _UNDERLINE_MIN:
        return True
    del state.tokens[begun:]
    state.line, state.parentType = first, kind
    return False
