"""What strangers' exceptions say is text, whatever they are."""

import pytest

from hermes_trio.text.foreign_errors import said_by, told


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class NoText(Exception):
    def __str__(self):
        return 42


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError("no"), "OSError: no"),
        (ValueError(), "ValueError"),
        (ValueError(7, None), "ValueError: (7, None)"),
        (OSError("nick \ud83d"), "OSError: nick \ufffd"),
        (OSError("a\0b"), "OSError: ab"),
        (Unspeakable(), "Unspeakable: its text cannot be read"),
        (NoText(), "NoText: its text cannot be read"),
    ],
)
def test_it_is_said_as_clean_text(error, says):
    assert told(error) == says
    assert said_by(error) in says
