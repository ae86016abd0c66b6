"""A text becomes the parts of its platform, and the loop goes on meanwhile, however long it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from hermes_trio.ports.platform import Platform
from hermes_trio.runtime.threads import Aside
from hermes_trio.values.delivery import Part

LONG = 1_000
"""A longer text, in code points, is split beside the loop. One of this length holds it for 3 ms where it is
densely formatted, and 15 ms at the worst; handing it over costs a tenth of one."""

Split = Callable[[Platform | None, str], Awaitable[Sequence[Part]]]
"""`Splitting.parts`, for those who need no more."""


class Splitting:
    """Splits.

    Args:
        aside: does work beside the loop.
    """

    def __init__(self, aside: Aside) -> None:
        self._aside = aside

    async def parts(self, platform: Platform | None, text: str) -> Sequence[Part]:
        """The text as `platform` splits it; without a platform as it is.

        Raises what an adapter raises that cannot split it. Cancelled: nothing is split, for all that anybody
        sees.
        """
        if platform is None:
            return (Part(text),)
        if len(text) <= LONG:
            return platform.split(text)
        parts: Sequence[Part] = await self._aside(lambda: platform.split(text))
        return parts
