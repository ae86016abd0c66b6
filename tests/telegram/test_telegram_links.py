"""Which addresses are sent as a link, and that it takes no time to say."""

import time

import pytest
from hermes_telegram.links import HOST_MAX, takes_link

from hermes_trio.text.markdown import split_markdown

LONG_HOST = f"{'a' * (HOST_MAX - 3)}.org"


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        (f"https://{LONG_HOST[1:]}/way", True),
        (f"https://{LONG_HOST}/way", False),
        ("https://ada@example.org:65535/?q=1", True),
        ("https://example.org:0/", False),
        ("https://example.org:65536/", False),
        ("https://localhost/", False),
        ("https://.org/", False),
        ("https://[::1]:80/", True),
        ("tg://resolve?domain=x", True),
    ],
)
def test_what_telegram_makes_a_link_of(url, taken):
    assert takes_link(url) is taken


def test_an_address_whose_host_is_too_long_stands_in_the_text():
    url = f"https://{LONG_HOST}/way"
    [part] = split_markdown(f"[here]({url}) it is", limit=4092, unit="utf16", takes_link=takes_link)
    assert part.text == f"here ({url}) it is"


@pytest.mark.parametrize("url", [f"http://{'a.' * 1000}%", f"http://{'a@' * 1000}", f"http://{'a' * 2000}%"])
def test_a_long_address_costs_what_it_is_long(url):
    began = time.process_time()
    for _ in range(100):
        assert not takes_link(url)
    assert time.process_time() - began < 1  # it was 8 s for the first of these
