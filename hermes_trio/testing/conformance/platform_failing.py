"""The Platform port's clauses about deliveries that fail: which of the three errors, and nothing else."""

from __future__ import annotations

import trio

from hermes_trio.errors import NotSent, SendRefused, SendUnknown
from hermes_trio.testing.conformance.clauses import expect
from hermes_trio.testing.conformance.platform_service import Trouble
from hermes_trio.testing.conformance.platform_trial import PlatformTrial

SOON_S = 30.0


async def not_connected_is_not_sent(trial: PlatformTrial) -> None:
    """Without a connection a send is NotSent, and nothing of it is shown later."""
    async with trial.serving() as serving:
        await trial.service.disconnect()
        await trial.quiet()
        error = await serving.failure(trial.send("lost"))
        expect(isinstance(error, NotSent), "NotSent", repr(error))
        await trial.service.connect()
        await trial.quiet()
        await trial.shows()


async def yields_when_nobody_is_there(trial: PlatformTrial) -> None:
    """A `deliver` that cannot connect executes a checkpoint too."""
    async with trial.serving() as serving:
        await trial.service.disconnect()
        await trial.quiet()
        await serving.yields("a send without a connection", trial.send("lost"))
        await trial.service.connect()


async def turned_away_is_not_sent(trial: PlatformTrial) -> None:
    """What the service turns away for now is NotSent: certain, and nothing of it is shown."""
    await _fails(trial, "not_sent", NotSent)


async def told_to_wait_says_how_long(trial: PlatformTrial) -> None:
    """What is turned away with a time to wait is NotSent, and says the time."""
    error = await _fails(trial, "wait", NotSent)
    wait_s = getattr(error, "retry_after_s", None)
    expect(bool(wait_s), "retry_after_s is the time", wait_s)


async def refused_is_refused(trial: PlatformTrial) -> None:
    """What the service will not take is SendRefused: certain, and nothing of it is shown."""
    await _fails(trial, "refused", SendRefused)


async def a_chat_that_is_gone_says_so(trial: PlatformTrial) -> None:
    """A chat that takes nothing from us any more is SendRefused of the kind "gone"."""
    await _kind(trial, "gone")


async def markup_that_is_refused_says_so(trial: PlatformTrial) -> None:
    """Formatting that is not liked is SendRefused of the kind "markup": the text may go without it."""
    await _kind(trial, "markup")


async def a_lost_answer_is_unknown(trial: PlatformTrial) -> None:
    """A request that went out and got no answer is SendUnknown, and is not tried again by the platform."""
    async with trial.serving() as serving:
        await trial.service.fail_next("unknown")
        error = await serving.failure(trial.send("perhaps"))
        expect(isinstance(error, SendUnknown), "SendUnknown", repr(error))
        shown = list(await trial.service.shown(trial.place))
        expect(shown in ([], ["perhaps"]), "the text is there once, or not", shown)
        await serving.say("next")
        shown = list(await trial.service.shown(trial.place))
        expect(shown in (["next"], ["perhaps", "next"]), "the next is said after it", shown)


async def a_connection_that_dies_is_unknown(trial: PlatformTrial) -> None:
    """A connection that dies while `deliver` waits for its answer is SendUnknown, never a receipt."""
    errors: list[Exception] = []
    async with trial.serving() as serving:

        async def say() -> None:
            errors.append(await serving.failure(trial.send("perhaps")))

        await trial.service.hold()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(say)
            await trial.service.held()
            await trial.service.disconnect()
        [error] = errors
        expect(isinstance(error, SendUnknown), "SendUnknown", repr(error))


async def _fails(trial: PlatformTrial, trouble: Trouble, kind: type[Exception]) -> Exception:
    async with trial.serving() as serving:
        await trial.service.fail_next(trouble)
        with trio.fail_after(SOON_S):
            error = await serving.failure(trial.send("never"))
        expect(isinstance(error, kind), kind.__name__, repr(error))
        await trial.shows()
        await serving.say("next")
        await trial.shows("next")
    return error


async def _kind(trial: PlatformTrial, trouble: Trouble) -> None:
    error = await _fails(trial, trouble, SendRefused)
    kind = getattr(error, "kind", "")
    expect(kind == trouble, f"the kind is {trouble!r}", kind)


FAILING = (
    not_connected_is_not_sent,
    yields_when_nobody_is_there,
    turned_away_is_not_sent,
    told_to_wait_says_how_long,
    refused_is_refused,
    a_chat_that_is_gone_says_so,
    markup_that_is_refused_says_so,
    a_lost_answer_is_unknown,
    a_connection_that_dies_is_unknown,
)
