"""What whoever wrote a line that is not TOML probably meant. Pure."""

from __future__ import annotations

import re

_TWICE = re.compile(r"\s*\[+\s*(?P<table>[^\]]+?)\s*\]")
_KEY = re.compile(r"\s*(?P<key>[\w.\"'-]+)\s*=")
_TRUTH = re.compile(r"=\s*(true|false|yes|no|on|off)\b", re.IGNORECASE)
_COLON = re.compile(r"\s*[\w.-]+\s*:")
_BARE = re.compile(r"=\s*[^\s\"'\[{#]")


def in_plain_words(told: str, line: str) -> str:
    """What tomllib told of a line, and behind it what is to be written there, if that can be guessed."""
    meant = _meant(told, line)
    return f"{told}; {meant}" if meant else told


def _meant(told: str, line: str) -> str:
    if told.startswith("Cannot declare") and (table := _TWICE.match(line)):
        return f"[{table['table']}] stands twice in this file: put the keys of both below one"
    if told.startswith("Cannot overwrite") and (key := _KEY.match(line)):
        return f"{key['key']} is written twice"
    if any(quote in line for quote in "“”„‘’«»"):
        return 'quotes are written straight: "text"'
    if told.startswith(("Illegal character '\\n'", "Unterminated string")):
        return 'a quote is opened and not closed: "text"'
    if _TRUTH.search(line):
        return "write true or false"
    if told.startswith("Expected '='") and _COLON.match(line):
        return 'between a key and its value stands =, as in name = "value"'
    if told.startswith(("Invalid value", "Expected newline")) and _BARE.search(line):
        return 'text stands in "quotes"'
    return ""
