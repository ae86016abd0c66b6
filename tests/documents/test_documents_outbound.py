"""The page of an outbound row's life is what its table says."""

from __future__ import annotations

from typing import get_args

import pytest

from hermes_trio.values import outbound_states
from tests.documents import outbound


def test_the_page_is_drawn_from_the_table():
    assert outbound.PAGE.read_text() == outbound.page(), "python -m tests.documents.outbound"


@pytest.mark.parametrize("name", ["State", "Event", "Condition", "Follow"])
def test_every_word_of_the_table_is_explained(name):
    explained = [word for words in outbound.meanings(name) for word in words.split(", ")]
    assert explained == list(get_args(getattr(outbound_states, name)))
