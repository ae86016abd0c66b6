"""Bytes that are nearly JSON text: made whole, so that one broken character costs that character only."""

from __future__ import annotations

import re

# Escapes are read left to right, so that an escaped backslash before "ud800" is not taken for one. All up to
# the next half is one find: each escape for itself would take fifty times its bytes.
_PAIR = rb"u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_LONE = rb"u[dD][89a-fA-F][0-9a-fA-F]{2}"
_ESCAPES = re.compile(rb"(?:[^\\]++|\\(?:%b|(?!%b).))++|(\\%b)" % (_PAIR, _LONE, _LONE), re.DOTALL)


def mended(body: bytes) -> bytes:
    """Replace lone surrogate escapes and bytes that are not UTF-8 by U+FFFD.

    A lone surrogate and U+FFFD are one UTF-16 unit each, so offsets into the text stay right.
    """
    whole = body.decode("utf-8", "replace").encode()
    return _ESCAPES.sub(lambda found: rb"\ufffd" if found[1] else found[0], whole)
