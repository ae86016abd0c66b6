"""Splits a text into parts for its platform. A long text is split in a thread, so that the loop goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from hermes_trio.ports.platform import Platform
from hermes_trio.runtime.platform_use import check_parts
from hermes_trio.runtime.threads import Aside, unless_short
from hermes_trio.values.delivery import Part

SHORT = 1_000
"""A longer text, in code points, is split beside the loop. One of this length holds it for 3 ms where it is
densely formatted, and 15 ms at the worst; handing it over costs a tenth of one."""

Split = Callable[[Platform | None, str], Awaitable[Sequence[Part]]]
"""`parts_of`, for those who need not know what does it beside the loop."""


async def parts_of(aside: Aside, platform: Platform | None, text: str) -> Sequence[Part]:
    """The text as `platform` splits it; without a platform as it is.

    Args:
        aside: splits a long one beside the loop.

    Raises what an adapter raises that cannot split it, and AgentError where it gives no parts. Cancelled:
    nothing is split, for all that anybody sees.
    """
    if platform is None:
        return (Part(text),)
    parts = await unless_short(aside, lambda: platform.split(text), len(text), short=SHORT)
    return check_parts(platform, parts)
