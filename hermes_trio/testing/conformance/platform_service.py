"""The other side of a platform, as a tester plays it: the users, and the service between them and us."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from hermes_trio.testing.conformance.clauses import Unable
from hermes_trio.values.identity import Address

Trouble = Literal["not_sent", "wait", "refused", "gone", "markup", "unknown"]
"""How a send may end badly.

not_sent   the service turns it away for now, and does not have it
wait       likewise, and says how many seconds to wait
refused    it will not take it
gone       the chat takes nothing from us any more
markup     it does not like the formatting
unknown    it has it, and its answer is lost
"""


class Service:
    """What `check_platform` needs to know of the other side. Subclass it; override what can be played.

    The first three are needed. Each of the rest raises Unable as it stands, and a clause that needs it is
    reported as skipped. Cancelled in any of them, the check is over and asks nothing more.

    Attributes:
        places: conversations the platform can speak in, at least one. One with a `thread` shows that threads
            are carried; a second one without shows that two may be spoken in at once.
        secrets: what no error may show.
        keeps: the service hands over again what was not confirmed. False for a pipe.
    """

    places: Sequence[Address]
    secrets: Sequence[str] = ()
    keeps = True

    async def push(self, text: str, place: Address) -> None:
        """The user of this place writes. Returns when it is on its way."""
        raise NotImplementedError

    async def shown(self, place: Address) -> Sequence[str]:
        """What the place shows of the platform's messages now, oldest first, edits and deletions applied."""
        raise NotImplementedError

    async def reached(self) -> None:
        """Return when the platform, which serves, can reach the users of all places."""

    async def confirmed(self) -> int:
        """How many of the pushed messages the platform has said it has, for good."""
        raise Unable("the service is not told what was received")

    async def push_rubbish(self) -> None:
        """An update arrives that is none."""
        raise Unable("no update of this service can be broken")

    async def end(self) -> None:
        """There will never be input again; what was pushed before is still to be read."""
        raise Unable("the input of this service has no end")

    async def push_in_group(self, text: str, *, called: bool) -> None:
        """Somebody writes in a group. `called`: with the bot's name, as its people write it there."""
        raise Unable("the service has no groups")

    async def press(self, place: Address, label: str) -> None:
        """The user presses the choice of this label below the newest message of the place."""
        raise Unable("the service has no choices to press")

    async def fail_next(self, trouble: Trouble) -> None:
        """The next send ends so."""
        raise Unable(f"a send cannot be made to end so: {trouble}")

    async def hold(self) -> None:
        """The next send is kept in the middle: begun, and without an answer, until `release`."""
        raise Unable("a send cannot be held in the middle")

    async def held(self) -> None:
        """Return when a send is kept in the middle."""
        raise Unable("a send cannot be held in the middle")

    async def release(self) -> None:
        """What is kept may go on, and nothing is kept any more."""
        raise Unable("a send cannot be held in the middle")

    async def disconnect(self) -> None:
        """The service cannot be reached from now on: connections end, and new ones are refused."""
        raise Unable("the service cannot be cut off")

    async def connect(self) -> None:
        """It can be reached again."""
        raise Unable("the service cannot be cut off")

    async def refuse_account(self) -> None:
        """The credentials of the account are not taken any more."""
        raise Unable("the service has no credentials to refuse")

    async def take_account(self) -> None:
        """Somebody else receives the account's updates."""
        raise Unable("nobody else can receive in the account's place")
