"""Render markdown to plain text and the spans that format it.

CommonMark, strikethrough and tables, as `markdown_rules` reads them; raw HTML is shown as typed. What a chat
user would miss is kept: soft line breaks stay line breaks, and what is not whole markdown (an unclosed `**`)
stays as typed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from hermes_trio.text.chunking import Unit, split_part
from hermes_trio.text.links import is_absolute, within, write_out
from hermes_trio.text.markdown_cost import blocks, budget_us, cost_us
from hermes_trio.text.markdown_rules import NESTING_MAX, parser
from hermes_trio.text.rendered import PartWriter, SpanKind, plain
from hermes_trio.text.sanitize import shows
from hermes_trio.values.delivery import Part, Span

if TYPE_CHECKING:
    from markdown_it.token import Token

RICH_MAX = 64_000
"""A longer text is shown as typed: parsing it would take seconds."""

_MARKED = re.compile(
    r"[\\`*_~\[<&|\x00\r\ud800-\udfff]"  # may begin something anywhere
    r"|^(?:\s|[-+>#=]|\d{1,9}[.)])"  # at the start of a line
    r"|\s$|\n\n\n",  # white space that rendering would trim
    re.MULTILINE,
)
_KINDS: dict[str, SpanKind] = {"em": "italic", "strong": "bold", "s": "strike", "link": "link"}
_SURROGATE = re.compile("[\ud800-\udfff]")


def split_markdown(
    text: str,
    *,
    limit: int,
    unit: Unit,
    takes_link: Callable[[str], bool] = is_absolute,
    spans_max: int | None = None,
) -> list[Part]:
    """Render markdown and split it into parts of at most `limit` units.

    Always at least one part: "" gives [Part("")], and whether that may be sent is the caller's business.
    The address of a link that may not be a span stands behind its words in the text.

    Args:
        text: markdown.
        limit: the longest part, in `unit`s; at least 4.
        unit: how the platform counts.
        takes_link: whether the platform makes a link of an address.
        spans_max: the most spans of one message; what formats more is left out. None: any number.
    """
    part = write_out(render(text), lambda span: takes_link(span.value))
    parts = split_part(part, limit=limit, unit=unit)
    if spans_max is None:
        return parts
    return [few for one in parts for few in within(one, spans_max=spans_max, limit=limit, unit=unit)]


def render(text: str) -> Part:
    """Markdown as plain text and spans. Never raises and never loses visible text.

    Text that is longer than RICH_MAX code points, nested deeper than NESTING_MAX, or that the parser
    fails on is shown as typed, and so is each block that would take longer than is left for the text. Half a
    surrogate pair becomes U+FFFD: no platform takes it.
    """
    if len(text) > RICH_MAX:
        return plain(_SURROGATE.sub("\ufffd", text))
    if text and _MARKED.search(text) is None:
        return Part(text)
    text = _SURROGATE.sub("\ufffd", text)
    return _whole(text) if cost_us(text) <= budget_us(text) else _within(text)


def _within(text: str) -> Part:
    """A text that would take too long: its blocks one by one, rendered as long as there is time for them."""
    left = budget_us(text)
    made: list[str] = []
    spans: list[Span] = []
    size = 0
    for block in blocks(text):
        cost = cost_us(block)
        part = plain(block) if cost > left else _whole(block)
        left -= cost if cost <= left else 0
        if part.text:
            size += 2 if made else 0
            made.append(part.text)
            spans += [Span(s.start + size, s.end + size, s.kind, s.value) for s in part.spans]
            size += len(part.text)
    return Part("\n\n".join(made), tuple(spans))


def _whole(text: str) -> Part:
    try:
        part = _rich(text)
    except (LookupError, RecursionError, ValueError):  # a bug of the parser must not cost an answer
        return plain(text)
    return part if shows(part.text) else plain(text)


def _rich(text: str) -> Part:
    tokens = parser().parse(text)
    if any(token.level >= NESTING_MAX - 2 for token in tokens):  # beyond it the parser drops text
        return plain(text)
    writer = PartWriter()
    for token in tokens:
        _write(writer, token)
    return writer.part()


def _write(writer: PartWriter, token: Token) -> None:
    """Put one block token down."""
    match token.type:
        case "inline":
            for child in token.children or ():
                _write_inline(writer.here, child)
        case "heading_open":
            writer.open("bold")
        case "heading_close":
            writer.close("bold")
            writer.gap(2)
        case "paragraph_close":
            writer.gap(1 if token.hidden else 2)
        case "fence" | "code_block":
            writer.pre(token.content, (token.info.split() or [""])[0])
        case "hr":
            writer.block("———")
        case "blockquote_open":
            writer.open("quote")
        case "blockquote_close":
            writer.close("quote")
            writer.gap(2)
        case "list_item_open":
            writer.item(f"{token.info}{token.markup} " if token.info else "• ")
        case "list_item_close":
            writer.gap(1)
        case "bullet_list_open" | "ordered_list_open":
            writer.open_list()
        case "bullet_list_close" | "ordered_list_close":
            writer.close_list()
        case _:
            _write_table(writer, token)


def _write_table(writer: PartWriter, token: Token) -> None:
    match token.type:
        case "table_open":
            writer.open_table()
        case "tr_open":
            writer.row()
        case "th_open" | "td_open":
            writer.cell()
        case "table_close":
            writer.close_table()


def _write_inline(writer: PartWriter, token: Token) -> None:
    """Put one token of a line down."""
    name, _, edge = token.type.rpartition("_")
    if name in _KINDS and edge == "open":
        writer.open(_KINDS[name], str(token.attrGet("href") or ""))
    elif name in _KINDS and edge == "close":
        writer.close(_KINDS[name])
    elif token.type in ("softbreak", "hardbreak"):
        writer.gap(1)
    elif token.type == "code_inline":
        writer.open("code")
        writer.write(token.content)
        writer.close("code")
    elif token.type == "image":
        writer.open("link", str(token.attrGet("src") or ""))
        writer.write(token.content)
        writer.close("link")
    else:
        writer.write(token.content)
