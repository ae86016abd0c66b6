"""Bytes that are nearly JSON text: made whole, so that one broken character costs that character only."""

from __future__ import annotations

import re

# One escape at a time, left to right, so that an escaped backslash before "ud800" is not taken for one.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def mended(body: bytes) -> bytes:
    """Replace lone surrogate escapes and bytes that are not UTF-8 by U+FFFD.

    A lone surrogate and U+FFFD are one UTF-16 unit each, so offsets into the text stay right.
    """
    whole = body.decode("utf-8", "replace").encode()
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], whole)
