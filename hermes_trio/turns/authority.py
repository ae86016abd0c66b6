"""For whom a turn acts, and how far: with the least role among those whom it answers.

An act that leaves the conversation (a program is run) also needs a conversation in which nobody of a lesser
role has spoken: a model does what it reads, and does not know who may ask for what. Where an admin could
allow such an act, once and for exactly this, they should be asked; as long as nobody can be, it is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from hermes_trio.ports.store import Store
from hermes_trio.runtime.retry import until_stored
from hermes_trio.turns.messages import TurnMessages
from hermes_trio.values.identity import Policy, Role

NOT_ADMIN = "refused: only admins of this account may have this done, and this was not asked by one"
OTHERS_SPOKE = (
    "refused: in this conversation stand words of somebody who is no admin, or words that were passed on or"
    " quoted, and this is done only where admins alone have spoken. An admin can ask for it in a conversation"
    " of their own, or in a new one (/new)"
)


class Authority:
    """How far one turn may act.

    Args:
        messages: those that it answers by now.
        ours: time that passes in this block does not count towards the turn's deadline.
    """

    def __init__(
        self,
        store: Store,
        session: int,
        policy: Policy,
        messages: TurnMessages,
        ours: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._store = store
        self._session = session
        self._policy = policy
        self._messages = messages
        self._ours = ours

    @property
    def role(self) -> Role:
        """The least role among those whom the turn answers.

        A turn that the gateway opened by itself answers whoever started what has ended.
        """
        roles = {self._policy.role_of(message.address.user) for message in self._messages.all}
        return "admin" if roles == {"admin"} else "user"

    def asked_by(self, role: Role) -> None:
        """Pass if the turn acts for somebody with this role.

        Raises:
            PermissionError: it does not. The text is for the model.
        """
        # A role that nobody knows is nobody's.
        if role not in ("user", self.role):
            raise PermissionError(NOT_ADMIN)

    async def needs(self, role: Role) -> None:
        """Pass if something that leaves the conversation may be done, which needs this role.

        Raises:
            PermissionError: it may not. The text is for the model.
        Cancelled: nothing has changed.
        """
        self.asked_by(role)
        if role == "user":
            return
        with self._ours():
            look = self._store.others_spoke
            if await until_stored(lambda: look(self._session, self._policy.admins)):
                raise PermissionError(OTHERS_SPOKE)
