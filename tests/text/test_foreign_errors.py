"""What strangers' exceptions say is text, whatever they are."""

import pytest

from hermes_trio.text.foreign_errors import error_text, text_of, told


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("no words")

    __repr__ = __str__


class NoText(Exception):
    def __str__(self):
        return 42

    __repr__ = __str__


@pytest.mark.parametrize(
    ("error", "says", "repr_"),
    [
        (OSError("no"), "OSError: no", "OSError('no')"),
        (ValueError(), "ValueError", "ValueError()"),
        (ValueError(7, None), "ValueError: (7, None)", "ValueError(7, None)"),
        (OSError("nick \ud83d"), "OSError: nick \ufffd", "OSError('nick \\ud83d')"),
        (OSError("a\0b"), "OSError: ab", "OSError('a\\x00b')"),
        (Unspeakable(), "Unspeakable: its text cannot be read", "its text cannot be read"),
        (NoText(), "NoText: its text cannot be read", "its text cannot be read"),
    ],
)
def test_it_is_said_as_clean_text(error, says, repr_):
    assert (told(error), error_text(error)) == (says, repr_)
    assert text_of(error) in says
