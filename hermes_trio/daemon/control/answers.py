"""What the daemon answers to each request of an operator."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

import trio

from hermes_trio.daemon.control.requests import (
    ANSWER_S,
    AccountStatus,
    Answer,
    AskKeys,
    AskLedger,
    AskNodes,
    AskPage,
    AskRecording,
    AskSessions,
    AskStatus,
    AskTurn,
    AwaitRest,
    Done,
    Keys,
    Ledger,
    No,
    Nodes,
    OneTurn,
    Page,
    Request,
    ResetSession,
    RestartDaemon,
    ResumeSession,
    Sessions,
    Spans,
    Status,
    StopSession,
    no_turn,
)
from hermes_trio.errors import HermesError
from hermes_trio.gateway.handle import LOOKED_AT, Gateway
from hermes_trio.intake.receiver import Health
from hermes_trio.text.recording import without_secrets
from hermes_trio.values.stored import StatusView

STORE_S = ANSWER_S / 2
"""A status without what the store knows is better than none."""


class Answers:
    """Answers requests for a gateway.

    Args:
        gateway: None while it starts.
        unavailable: platforms that were configured and could not be imported, and why.
        restart: asked to end the daemon so that it is started again.
        redact: replaces the secrets that the daemon holds.
    """

    def __init__(
        self, unavailable: Mapping[str, str], restart: Callable[[], None], redact: Callable[[str], str]
    ) -> None:
        self.gateway: Gateway | None = None
        self._unavailable = unavailable
        self._restart = restart
        self._redact = redact
        self._began = trio.current_time()

    async def answer(self, request: Request) -> Answer:
        """Answer. Raises what the store raises."""
        if isinstance(request, RestartDaemon):
            self._restart()
            return Done(text="restarting")
        if self.gateway is None:
            return No(why="the daemon is starting")
        return await self._of(self.gateway, request)

    async def _of(self, gateway: Gateway, request: Request) -> Answer:
        match request:
            case AskStatus():
                return await self._status(gateway)
            case AskLedger(chat=chat, limit=limit):
                return Ledger(rows=tuple(await gateway.ledger(chat, limit)))
            case AskSessions(ended=also_ended):
                return Sessions(rows=tuple(await gateway.session_views(ended=also_ended)))
            case AskKeys():
                return Keys(rows=tuple(gateway.keys()))
            case AskNodes():
                return Nodes(rows=tuple(await gateway.nodes()), shared=gateway.shares)
            case AskTurn(turn=turn):
                page = await gateway.turn_page(turn)
                return no_turn(turn) if page is None else OneTurn(page=page)
            case AskRecording(session=session):
                head = await gateway.recording_head(session)
                return No(why=f"there is no session {session}") if head is None else Spans(head=head)
            case AskPage(head=head, part=part, after=after):
                rows = await gateway.recording_rows(head, part, after)
                return Page(rows=without_secrets(rows, part, self._redact))
            case StopSession(session=session, everything=everything):
                return await _stop(gateway, session, everything)
            case ResetSession(session=session):
                new = await gateway.reset(session)
                return _no_session(session) if new is None else Done(text=f"session {new} follows {session}")
            case ResumeSession(session=session):
                ended = await gateway.resume(session)
                if ended is None:
                    return await _not_ended(gateway, session)
                return Done(text=f"session {session} is open again; {ended} has ended")
            case AwaitRest(account=account, chat=chat):
                await gateway.chat_at_rest(account, chat)
                if gateway.draining and not await _is_done(gateway, account, chat):
                    return No(why="it goes on at the next start")
                return Done(text="at rest")
            case _:
                return No(why="not yet")

    async def _status(self, gateway: Gateway) -> Status:
        store: StatusView | None = None
        try:
            with trio.move_on_after(STORE_S):
                store = await gateway.status()
        except HermesError:  # a store that fails is shown as one that does not answer
            store = None
        return Status(
            pid=os.getpid(),
            uptime_s=trio.current_time() - self._began,
            draining=gateway.draining,
            model=gateway.model,
            accounts=tuple(_account(gateway, name, health) for name, health in gateway.health().items()),
            unavailable=dict(self._unavailable),
            store=store,
            failing=tuple(gateway.failing()),
        )


def _account(gateway: Gateway, name: str, health: Health) -> AccountStatus:
    at = health.received_at
    return AccountStatus(
        name=name,
        receiving=health.receiving,
        received_s_ago=None if at is None else trio.current_time() - at,
        why=health.why,
        anybody=is_open(gateway.accounts[name].policy.allow_users),
    )


def is_open(allow_users: tuple[str, ...]) -> bool:
    """Whether a policy lets anybody speak."""
    return "*" in allow_users


async def _stop(gateway: Gateway, session: int, everything: bool) -> Answer:
    view = await gateway.session_view(session)
    if view is None or view.ended_at is not None:
        return _no_session(session)
    stopped = await gateway.stop(session, everything=everything)
    return Done(text=f"session {session}: stopped" if stopped else f"session {session}: nothing was running")


async def _not_ended(gateway: Gateway, session: int) -> No:
    if await gateway.session_view(session) is not None:
        return No(why=f"session {session} is open already")
    return No(why=f"there is no session {session}; `hermes-trio sessions --all` lists them")


def _no_session(session: int) -> No:
    return No(why=f"there is no open session {session}; `hermes-trio sessions` lists them")


async def _is_done(gateway: Gateway, account: str, chat: str) -> bool:
    """Whether nothing is left of the chat. Where a drain ended the tasks, that they are gone says nothing."""
    rows = await gateway.ledger(chat, LOOKED_AT)
    settled = all(row.outcome is not None for row in rows if row.account == account)
    return settled and (await gateway.status()).owed == 0
