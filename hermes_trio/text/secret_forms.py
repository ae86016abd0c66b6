"""In which forms a secret may stand in a text, and where it stands there.

Two definitions cover all of them. A *long* secret is looked for by its skeleton: its ASCII letters and
digits in lower case, in the skeleton of the text. What stands between them (the backslashes and stars of
markdown, JSON and shells, zero-width characters, line ends, spaces) is in neither. Where a text holds escapes
it is looked at a second time, with `%2f`, `\\u0026` and `&amp;` read as what they say. Base64 (at each of its
three alignments) and hex are skeletons too. A *short* secret has too few letters for that, and is looked for
as it is written.
"""

from __future__ import annotations

import html
import re
import string
from base64 import b64encode
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from json import dumps as ascii_json
from urllib.parse import quote, quote_plus

from msgspec import Struct, json

from hermes_trio.text.secret_ranges import Range

SURE, SURE_MIXED = 16, 8
"""A skeleton so long names one thing; a shorter one must have both letters and digits. "not-needed" has not:
as a skeleton it would be found in "is not needed"."""

_KEPT = (string.ascii_letters + string.digits).encode()
_GONE = bytes(set(range(256)) - set(_KEPT))
_LOWER = bytes(range(256)).lower()
_WRITTEN = (
    # A run of backslashes is looked at from its beginning only: from each of them it would cost its square.
    # Each kind begins with a character of its own, so that what has none of them is passed over at once.
    r"%(?:25)*[0-9A-Fa-f]{2}"
    r"|\\(?<!\\\\)\\*+(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[abfnrtv])"
    r"|&(?:amp;)*(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});"
)
_ESCAPE = re.compile(f"({_WRITTEN})")
_APART = re.compile(r"[^0-9A-Za-z#;](?<!\\\\)")
"""No escape reaches over where this begins: it stands in none, or is the first character of one."""
WINDOW = 8192
"""So much of a text is read at once: one call holds up everybody, in whatever thread it is."""
_BEGUN = re.compile(r"(?:%[0-9A-Fa-f]?|\\(?:u[0-9A-Fa-f]{0,3}|x[0-9A-Fa-f]?)?|&#?[A-Za-z0-9]{0,31})\Z")
_TOKEN = re.compile(rf"({_WRITTEN})|.", re.DOTALL)


class Needle(Struct, frozen=True):
    """A skeleton to look for. `before` and `behind`: what of the secret lies outside it, as it is written."""

    skeleton: bytes
    before: str = ""
    behind: str = ""


def skeleton(text: str) -> bytes:
    """The ASCII letters and digits of a text, in lower case."""
    return text.encode("utf-8", "surrogatepass").translate(_LOWER, _GONE)


def unescaped(text: str) -> str | None:
    """The text with its escapes read, as far as a skeleton shows it; None if it has none."""
    if "%" not in text and "\\" not in text and "&" not in text:
        return None
    meanings = _Meanings()
    pieces = [piece for a, b in windows(text, read=True) for piece in _pieces(text[a:b], meanings)]
    return "".join(pieces) if meanings else None


def _pieces(text: str, meanings: _Meanings) -> list[str]:
    pieces: list[str] = _ESCAPE.split(text)
    pieces[1::2] = map(meanings.__getitem__, pieces[1::2])
    return pieces


def windows(text: str, read: bool) -> Iterator[Range]:
    """A text in pieces that can be read one by one.

    Args:
        read: none begins within an escape.
    """
    start = 0
    while start < len(text):
        end = start + WINDOW
        if read and end < len(text):
            found = _APART.search(text, end)
            end = found.start() if found else len(text)
        yield start, min(end, len(text))
        start = end


def without_begun(text: str) -> str:
    """The text without an escape at its end that is not complete."""
    begun = _BEGUN.search(text, max(0, len(text) - 40))
    return text[: begun.start()] if begun else text


def needles(secret: str) -> list[Needle]:
    """The skeletons of a secret, none of them so short that it would be found in other things."""
    plain = _needle(secret, "", "")
    read = unescaped(secret)
    # Where most of it is written in other letters, what is left may name something else.
    found = [plain] if secret.isascii() or 2 * len(plain.skeleton) >= len(secret) else []
    if read is not None:
        found.append(Needle(skeleton(read)))
    raw = secret.encode("utf-8", "surrogatepass")
    found.append(Needle(raw.hex().encode()))
    for shift in range(3):
        # The first and the last characters are made of neighbours too.
        coded = b64encode(b"\0" * shift + raw)
        begin, end = (0, 2, 3)[shift], (len(raw) + shift) * 8 // 6
        found.append(Needle(coded[begin:end].translate(_LOWER, _GONE)))
    return [one for one in found if is_sure(one.skeleton)]


def is_sure(of: bytes) -> bool:
    """Whether a skeleton names one thing."""
    mixed = len(of) >= SURE_MIXED and not of.isalpha() and not of.isdigit()
    return mixed or len(of) >= SURE


def _needle(secret: str, before: str, behind: str) -> Needle:
    kept = [at for at, char in enumerate(secret) if char.isascii() and char.isalnum()]
    if kept:
        before, behind = secret[: kept[0]], secret[kept[-1] + 1 :]
    return Needle(skeleton(secret), before, behind)


def written(secret: str) -> set[str]:
    """A secret as itself, in a URL, in a repr of text or bytes, JSON, HTML, markdown, a log line."""
    forms = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), html.escape(secret)}
    forms |= {re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), form) for form in forms}
    forms.add(re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", secret))
    for _ in range(2):
        forms |= {repr(form)[1:-1] for form in forms}
        forms |= {repr(form.encode("utf-8", "replace"))[2:-1] for form in forms}
        forms |= {json.encode(form).decode()[1:-1] for form in forms if _is_scalar(form)}
        forms |= {ascii_json(form)[1:-1] for form in forms}
    return forms | {form.encode("unicode_escape").decode("ascii").replace('"', '\\"') for form in forms}


def _is_scalar(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)


class SkeletonPlaces:
    """Where each byte of the skeleton of a text stands in it.

    Args:
        read: it is the skeleton of the text with its escapes read.
    """

    def __init__(self, text: str, read: bool) -> None:
        self._text = text
        self._read = read
        self._windows = list(windows(text, read))
        sizes = (len(skeleton(self._as_read(start, end))) for start, end in self._windows)
        self._firsts = list(accumulate(sizes, initial=0))[:-1]
        self._known: dict[int, list[Range]] = {}

    def __getitem__(self, place: int) -> Range:
        window = bisect_right(self._firsts, place) - 1
        known = self._known.get(window)
        if known is None:
            start, end = self._windows[window]
            while len(self._known) > 1:  # a secret may end in the next one
                del self._known[min(self._known)]
            known = self._known[window] = _places(self._text[start:end], self._read)
        shift = self._windows[window][0]
        start, end = known[place - self._firsts[window]]
        return shift + start, shift + end

    def _as_read(self, start: int, end: int) -> str:
        text = self._text[start:end]
        read = unescaped(text) if self._read else None
        return text if read is None else read


def _places(text: str, read: bool) -> list[Range]:
    if not read:
        return [(at, at + 1) for at, char in enumerate(text) if char.isascii() and char.isalnum()]
    meanings = _Meanings()
    return [
        found.span()
        for found in _TOKEN.finditer(text)
        for char in (meanings[found[1]] if found[1] else found[0])
        if char.isascii() and char.isalnum()
    ]


def merged(ranges: Iterator[Range] | list[Range]) -> list[Range]:
    """The same stretches in order, those that overlap as one."""
    found: list[Range] = []
    for start, end in sorted(ranges):
        if found and start < found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


class _Meanings(dict[str, str]):
    """What each escape says, as far as a skeleton shows it. A text has few different ones."""

    def __missing__(self, escape: str) -> str:
        meant = self[escape] = _meant(escape)
        return meant


def _meant(escape: str) -> str:
    if escape[0] == "%":
        return chr(int(escape[-2:], 16))
    if escape[0] == "\\":
        code = escape.lstrip("\\")
        return chr(int(code[1:], 16)) if len(code) > 1 else " "
    entity = escape[1:-1].rpartition(";")[2]
    return html.unescape(f"&{entity};")
