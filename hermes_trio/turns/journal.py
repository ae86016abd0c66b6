"""The journal of a turn: its steps, recorded. A step that has ended is not run again; it returns its record.

A step is known by its name and the number of the call with that name. The intent of a step that is not
idempotent is durable before its function runs. The result is durable before the step returns. The name of a
nested step begins with its parent's name and number: when the parent returns its record, its children are
neither run nor missed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, TypeVar

import msgspec
import trio

from hermes_trio.errors import (
    AgentError,
    Fenced,
    OutsideError,
    StepFailed,
    StepMismatch,
    StepUnknown,
    StoreClosed,
    StoreFailed,
)
from hermes_trio.ports.store import Store
from hermes_trio.runtime.redacting_store import Discretion
from hermes_trio.runtime.retry import AGAIN_FIRST_S, uncut, until_stored
from hermes_trio.runtime.supervise import attempt
from hermes_trio.runtime.wrong_use import awaited
from hermes_trio.text.foreign_errors import said_by
from hermes_trio.text.foreign_json import DEPTH_MAX, too_deep
from hermes_trio.text.sanitize import clean
from hermes_trio.turns.offered_op import offered
from hermes_trio.turns.questions import ASK, CallQuestions, going_on
from hermes_trio.turns.step_values import decoded_value, digest_of, encoded_value
from hermes_trio.values.stored import Claimed, Reply, StepRow
from hermes_trio.values.transcript import Entry

T = TypeVar("T")
VALUE_MAX = 1 << 20
LONG_VALUE = 1 << 16
"""Bytes. Before a longer value is decoded the loop has a checkpoint: looking through it takes time, and so
does looking through it again in the store."""
Instead = Callable[[StepRow, tuple[object, ...], Callable[[], Awaitable[object]]], Awaitable[object]]


class Journal:
    """The steps of one turn.

    Args:
        recorded: the rows of earlier attempts.
        taken: the messages that steps of earlier attempts took in.
        steer: whether waiting messages are taken in at a step's end.
        took: called with the messages that a step's end took in.
        discretion: takes secrets out of what is recorded.
        again: waits for the next try of a write that the disk refused.
        ours: time that passes in this block does not count towards the turn's deadline.
        may_act: called right before a step's function; returns if the boot may still act.

    Attributes:
        questions: the questions within calls, of this attempt and of earlier ones.
        instead: if set, called in the place of each step's function, with the step's row, its arguments, and
            that function's call. A replay sets it, and returns what was recorded.
        nursery: the turn's nursery. The write of a step's end goes on there if a scope of the agent's own
            cancels the step.
        closing: the turn's last step, which is recorded with the turn's end; None if there is none.
        closing_entries: what that step adds to the transcript.
    """

    def __init__(
        self,
        store: Store,
        turn: int,
        recorded: Sequence[StepRow],
        *,
        taken: Sequence[Claimed] = (),
        steer: bool,
        took: Callable[[Sequence[Claimed]], None],
        discretion: Discretion,
        again: Callable[[float], Awaitable[None]],
        ours: Callable[[], AbstractContextManager[None]],
        may_act: Callable[[], Awaitable[None]],
    ) -> None:
        self._store = store
        self._turn = turn
        self._ours = ours
        self._may_act = may_act
        self._recorded = {(row.name, row.n): row for row in recorded}
        self.questions = CallQuestions(recorded)
        self._taken = list(taken)
        self._steer = steer
        self._took = took
        self._discretion = discretion
        self._again = again
        self._late: list[trio.Event] = []
        self._calls: dict[str, int] = {}
        self._running: list[str] = []
        self._once: dict[str, None] = {}
        self._mismatch: StepMismatch | None = None
        self.instead: Instead | None = None
        self.nursery: trio.Nursery | None = None
        self.count = 0
        self.newest = ""
        self.closing: StepRow | None = None
        self.closing_entries: tuple[Entry, ...] = ()

    def begin(self, name: str, args: object = ()) -> _Running:
        """The row of the next call of `name`, as recorded or new. The step counts as running in this block.

        Raises:
            StepMismatch: the recording has other arguments for it, or a step of this name is running.
        """
        name = self._discretion.redact(name)
        if name in self._running:
            raise self._differs(
                f"two running steps share the name {name!r}: give each its own (`name=` of ask, sleep, now),"
                " or await one after the other"
            )
        n = self._calls.get(name, 0) + 1
        self._calls[name] = n
        digest = digest_of(args, f"step {name!r}")
        row = self._recorded.get((name, n))
        if row is None:
            row = StepRow(name=name, n=n, digest=digest, op=f"{self._turn}.{name}.{n}", value=b"")
        elif row.digest != digest:
            raise self._differs(
                f"step {name!r} call {n}: recorded with the arguments {row.digest}, asked for with {digest}"
            )
        self.count += 1
        self.newest = name
        if row.state != "intent":
            self._meet(row)
        return _Running(self._running, row)

    def _differs(self, what: str) -> StepMismatch:
        """The error to raise. The turn ends with the first of them, even if its function swallows it."""
        self._mismatch = self._mismatch or StepMismatch(what)
        return self._mismatch

    def _meet(self, row: StepRow) -> None:
        """Give the turn the messages that this step took in when it ran in an earlier attempt."""
        step = f"{row.name}#{row.n}"
        met = [one for one in self._taken if one.step == step or (one.step or "").startswith(f"{step}/")]
        if met:
            self._taken = [one for one in self._taken if one not in met]
            self._took(met)

    def _asked(self) -> set[tuple[str, int]]:
        """The steps that this attempt has asked for."""
        return {(name, n) for name, last in self._calls.items() for n in range(1, last + 1)}

    def next_call(self, name: str) -> int:
        """The number that the next call of `name` will have."""
        return self._calls.get(name, 0) + 1

    def is_recorded(self, row: StepRow) -> bool:
        """Whether an earlier attempt has begun it."""
        return (row.name, row.n) in self._recorded

    async def run(
        self,
        name: str,
        fn: Callable[..., Awaitable[T]],
        *args: object,
        idempotent: bool = False,
        type: Any = Any,
        entries: Callable[[T], Sequence[Entry]] = lambda _: (),
        last: Callable[[T], bool] = lambda _: False,
        unknown: Callable[[], T] | None = None,
        consumes: Sequence[int] = (),
    ) -> T:
        """Run a step once; see `Turn.step`.

        Args:
            type: the type to which the recorded value is decoded.
            entries: what the value adds to the transcript, in the commit that records it.
            last: whether the value ends the turn. The turn's end records the step and its entries then.
            unknown: makes the value of a step whose outcome a crash left unknown; None: StepUnknown.
            consumes: the processes whose end the value tells. Read when the step ends.
        """
        with self.begin(name, args) as row:
            if row.state != "intent":
                return self._replay(row, type)  # type: ignore[no-any-return]
            call = f"{row.name}#{row.n}"
            begun = self.is_recorded(row) and not self.questions.stands_at_one(call)
            if begun and not idempotent:
                self._meet(row)
                if unknown is None:
                    raise StepUnknown(
                        f"step {name!r} call {row.n} began before a crash; its outcome is unknown"
                        " (with `idempotent=True` it would run again)"
                    )
                done = await self._done(row, unknown(), kind=type)
            else:
                if not idempotent:
                    self._once[call] = None
                done = await self._call(row, fn, args, idempotent, type)
                if (unasked := self.questions.unasked(call, self._asked())) is not None:
                    raise self._differs(
                        f"within {call!r} question {unasked} is recorded and was not asked again"
                    )
            if len(done.value) > LONG_VALUE:
                # `_done` has looked through it, and the store will again: the loop gets a turn in between.
                await trio.lowlevel.cancel_shielded_checkpoint()
            decoded: T = msgspec.json.decode(done.value, type=type)
            if last(decoded):
                self.closing, self.closing_entries = done, tuple(entries(decoded))
            else:
                await self.end(done, entries=entries(decoded), consumes=consumes)
            return decoded

    async def go_on(self, question: StepRow) -> None:
        """Record that the call goes on after this question, which it asked.

        Does nothing if the question belongs to no call, or to one that may be repeated.

        Cancelled: it is recorded all the same; the call was cut off.
        """
        call, _, verb = question.name.rpartition("/")
        if verb != ASK or call not in self._once:
            return
        mark = going_on(self._turn, call, question)
        if self.is_recorded(mark):
            self._meet(mark)
        else:
            await self.end(mark)

    async def _call(
        self,
        row: StepRow,
        fn: Callable[..., Awaitable[object]],
        args: tuple[object, ...],
        idempotent: bool,
        kind: object,
    ) -> StepRow:
        if not idempotent:
            await self.intend(row)
        call = partial(awaited, f"step {row.name!r}: fn", fn, *args, **offered(fn, row.op))
        instead = self.instead
        await self._may_act()
        value, error = await attempt(call if instead is None else partial(instead, row, args, call))
        if error is None:
            try:
                return await self._done(row, value, fn, kind)
            except AgentError as no_value:
                error = no_value
        # A fence or a disk fault is about this attempt of the turn and no result of the step. An error from
        # outside is none either if the step may be repeated: the next attempt may fare better.
        unsaid = (Fenced, StoreFailed, StepMismatch, *((OutsideError,) if idempotent else ()))
        if not isinstance(error, unsaid):
            text = clean(await self._discretion(said_by(error)))[: VALUE_MAX // 4]
            recorded = msgspec.json.encode([type(error).__name__, text])
            await self.end(msgspec.structs.replace(row, state="failed", value=recorded))
        raise error

    async def _done(
        self,
        row: StepRow,
        value: object,
        fn: Callable[..., object] | None = None,
        kind: object = Any,
    ) -> StepRow:
        encoded = encoded_value(f"step {row.name!r}", fn, value, kind)
        with self._ours():
            encoded = await self._discretion(encoded)
        if too_deep(encoded):
            raise AgentError(f"step {row.name!r}: its value is nested deeper than {DEPTH_MAX}")
        if len(encoded) > VALUE_MAX:
            raise AgentError(f"step {row.name!r}: its value has {len(encoded)} bytes; at most {VALUE_MAX}")
        return msgspec.structs.replace(row, state="done", value=encoded)

    async def intend(self, row: StepRow, prompt: Reply | None = None) -> StepRow:
        """Record that a step begins, with the prompt if it asks a person. Returns the row as it stands."""
        with self._ours():
            await self.settled()
            begin = partial(self._store.begin_step, self._turn, row, prompt)
            return await until_stored(begin, wait=self._again)

    async def asked(self, row: StepRow) -> StepRow:
        """The row of a question as it stands."""
        with self._ours():
            return await until_stored(lambda: self._store.asked(self._turn, row))

    async def end(
        self,
        row: StepRow,
        *,
        entries: Sequence[Entry] = (),
        reply: Reply | None = None,
        consumes: Sequence[int] = (),
    ) -> None:
        """Record a step's end, however long the disk refuses it, and take in what was steered.

        Ends whose write was cut off before are recorded first.

        Cancelled: a task in the turn's nursery goes on with the write, until the turn itself ends.
        """
        earlier = list(self._late)

        async def store() -> None:
            took = await self._store.end_step(
                self._turn, row, entries=entries, reply=reply, steer=self._steer, consumes=consumes
            )
            if took:
                self._took(took)

        async def record() -> None:
            await _recorded(earlier)
            await until_stored(uncut(store), wait=self._again)

        try:
            with self._ours():
                await record()
        except trio.Cancelled:
            self._goes_on(record)
            raise

    def _goes_on(self, record: Callable[[], Awaitable[None]]) -> None:
        assert self.nursery is not None
        late = trio.Event()
        self._late.append(late)
        self.nursery.start_soon(self._keep, record, late, name="late step")

    async def _keep(self, record: Callable[[], Awaitable[None]], late: trio.Event) -> None:
        await trio.sleep(AGAIN_FIRST_S)
        _, error = await attempt(record)
        self._late.remove(late)
        late.set()
        if error is not None and not isinstance(error, Fenced | StoreClosed):
            raise error

    async def settled(self) -> None:
        """Wait until the ends whose write was cut off are recorded. The turn's later writes follow them."""
        await _recorded(list(self._late))

    def _replay(self, row: StepRow, type: Any) -> Any:
        if row.state == "failed":
            kind, text = msgspec.json.decode(row.value, type=tuple[str, str])
            raise StepFailed(kind, text)
        return decoded_value(f"step {row.name!r} call {row.n}", row.value, type)

    def unasked(self) -> None:
        """Check at the turn's end that its function asked for every recorded step.

        Raises:
            StepMismatch: it did not, or it has swallowed a StepMismatch.
        """
        if self._mismatch is not None:
            raise self._mismatch
        if not self._recorded:
            return
        asked = self._asked()
        parents = {f"{name}#{n}/" for name, n in asked}
        for name, n in self._recorded:
            nested = any(name.startswith(parent) for parent in parents)
            if (name, n) in asked or nested:
                continue
            new = next((f"{other!r} call {m}" for other, m in sorted(asked - set(self._recorded))), "")
            instead = f", and {new} is not recorded" if new else ""
            raise self._differs(f"step {name!r} call {n} is recorded and was not asked for{instead}")


async def _recorded(ends: Sequence[trio.Event]) -> None:
    for end in ends:
        await end.wait()


class _Running:
    """A block in which a step of this name runs; its row."""

    __slots__ = ("_names", "_row")

    def __init__(self, names: list[str], row: StepRow) -> None:
        self._names = names
        self._row = row

    def __enter__(self) -> StepRow:
        self._names.append(self._row.name)
        return self._row

    def __exit__(self, *_: object) -> None:
        self._names.remove(self._row.name)
