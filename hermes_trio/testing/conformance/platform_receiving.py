"""The Platform port's clauses about receiving."""

from __future__ import annotations

import trio

from hermes_trio.errors import AccountRefused, OutsideError, PollConflict
from hermes_trio.testing.conformance.clauses import Unable, Unlike, expect
from hermes_trio.testing.conformance.platform_trial import OFFERED, PlatformTrial, Serving
from hermes_trio.values.delivery import Choice
from hermes_trio.values.message import Message, Undecodable

MANY = 20
SOON_S = 5.0
SHORT_S = 0.05
HOLD_S, HOLD_TRIES, LOOK_S = 0.5, 5, 0.01


async def says_that_it_receives(trial: PlatformTrial) -> None:
    """`intake.received` is called when a receive cycle has completed, also an empty one."""
    async with trial.serving() as serving:
        expect(not trial.taken.updates, "nothing is heard before anybody writes", trial.taken.updates)
        expect(serving.hearing.cycles > 0, "received() is called", serving.hearing.cycles)


async def receives_whatever_its_menu(trial: PlatformTrial) -> None:
    """One with a menu of commands receives also where that holds what it cannot show, or too much."""
    odd = [("", ""), ("Ä b", "é" * 5000), *((f"command_{n}", "does it " * 40) for n in range(300))]
    async with trial.serving(menu=odd) as serving:
        await trial.service.push("hello", trial.place)
        [message] = await serving.received(1)
        expect(message.text == "hello", "the text is 'hello'", message.text)


async def hears(trial: PlatformTrial) -> None:
    """What a user writes is handed over as a Message, with its text, from the address it came from."""
    async with trial.serving() as serving:
        await trial.service.push("hello", trial.place)
        [message] = await serving.received(1)
        platform, address = serving.platform, message.address
        expect(message.text == "hello", "the text is 'hello'", message.text)
        expect(
            (address.platform, address.account) == (platform.name, platform.account),
            f"it comes from {platform.name}/{platform.account}",
            address,
        )
        expect(address.lane == trial.place.lane, f"it comes from {trial.place.lane}", address)
        expect(bool(address.user), "it says who wrote, by a stable id", address)


async def hears_in_order(trial: PlatformTrial) -> None:
    """Updates are handed over in the order in which they came, each with a native id of its own."""
    wanted = [f"message {n}" for n in range(MANY)]
    async with trial.serving() as serving:
        for text in wanted:
            await trial.service.push(text, trial.place)
        messages = await serving.received(MANY)
        expect(
            [message.text for message in messages] == wanted, "they come in order", [m.text for m in messages]
        )
        natives = {message.native for message in messages}
        expect(len(natives) == MANY and "" not in natives, "each has a native id of its own", natives)


async def confirms_only_what_is_durable(trial: PlatformTrial) -> None:
    """The service is told that we have an update after `accept` has returned, and not before."""
    async with trial.serving(shut=True) as serving:
        before = await trial.service.confirmed()
        await trial.service.push("hello", trial.place)
        await serving.hearing.until(OFFERED, lambda: serving.hearing.offered)
        await trial.quiet()
        now = await trial.service.confirmed()
        expect(now == before, "nothing is confirmed while accept waits", now - before)
        serving.hearing.reopen()
        await serving.received(1)
        await _confirmed(trial, before + 1)


async def hands_over_again_what_was_not_durable(trial: PlatformTrial) -> None:
    """What was cut off before `accept` returned is handed over again, with the same native id."""
    if not trial.service.keeps:
        raise Unable("the service keeps nothing")
    async with trial.serving(shut=True) as serving:
        await trial.service.push("one", trial.place)
        await serving.hearing.until(OFFERED, lambda: serving.hearing.offered)
        natives = [update.native for update in serving.hearing.offered]
        await serving.stop()
    async with trial.serving() as serving:
        [message] = await serving.received(1)
        expect(message.text == "one", "the update comes again", message.text)
        expect(message.native in natives, f"its native id is still {natives}", message.native)


async def does_not_hand_over_what_was_confirmed(trial: PlatformTrial) -> None:
    """A platform that begins at the cursor hands over what came since, and nothing that was confirmed."""
    async with trial.serving() as serving:
        before = await trial.service.confirmed()
        for text in ("one", "two"):
            await trial.service.push(text, trial.place)
        await serving.received(2)
        await _confirmed(trial, before + 2)
        await serving.stop()
    async with trial.serving() as serving:
        await trial.service.push("three", trial.place)
        await serving.received(3)
        offered = [update.text for update in serving.hearing.offered if isinstance(update, Message)]
        expect(offered == ["three"], "only what is new is handed over", offered)


async def hands_over_what_it_cannot_read(trial: PlatformTrial) -> None:
    """An update that cannot be decoded is handed over as Undecodable, whole, and what follows is heard."""
    async with trial.serving() as serving:
        await trial.service.push("before", trial.place)
        await serving.received(1)
        await trial.service.push_rubbish()
        await trial.service.push("behind", trial.place)
        messages = await serving.received(3)
        expect([m.text for m in messages] == ["before", "behind"], "the rest is heard", messages)
        [odd] = [update for update in trial.taken.updates if isinstance(update, Undecodable)]
        expect(bool(odd.native and odd.raw), "the Undecodable has its native id and its bytes", odd)


async def carries_the_thread_of_what_it_hears(trial: PlatformTrial) -> None:
    """A message from a thread has it in its address; one from beside it has none of it."""
    thread, main = trial.thread(), trial.main()
    async with trial.serving() as serving:
        await trial.service.push("in the thread", thread)
        await serving.received(1)
        await trial.service.push("beside it", main)
        first, second = await serving.received(2)
        expect(first.address.lane == thread.lane, f"the first is from {thread.lane}", first.address)
        expect(second.address.lane == main.lane, f"the second is from {main.lane}", second.address)


async def hears_its_name_in_a_group(trial: PlatformTrial) -> None:
    """In a group it says what is addressed to the bot, and takes the bot's name out of that."""
    async with trial.serving() as serving:
        await trial.service.push_in_group("lunch?", called=True)
        await trial.service.push_in_group("/new", called=True)
        await trial.service.push_in_group("dinner", called=False)
        messages = await serving.received(3)
        said = [(message.text.strip(), message.addressed) for message in messages]
        wanted = [("lunch?", True), ("/new", True), ("dinner", False)]
        expect(said == wanted, f"text and `addressed` are {wanted}", said)
        expect(not any(message.private for message in messages), "none of them is `private`", messages)


async def lets_others_run(trial: PlatformTrial) -> None:
    """Neither `serve` nor `deliver` holds the loop: what blocks is done in a thread, or by trio."""
    async with trial.serving() as serving:
        # A machine that is busy holds the loop too, now and then.
        for count in range(1, HOLD_TRIES + 1):
            if (held_s := await _longest_hold_s(serving, count)) < HOLD_S:
                return
        raise Unlike(f"no task waits {HOLD_S:g} s for the loop", f"one waited {held_s:.2f} s, each time")


async def _longest_hold_s(serving: Serving, count: int) -> float:
    longest_s = 0.0

    async def look() -> None:
        nonlocal longest_s
        while True:
            at = trio.current_time()
            try:
                await trio.sleep(LOOK_S)
            finally:
                longest_s = max(longest_s, trio.current_time() - at - LOOK_S)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(look, name="checked loop")
        await serving.trial.service.push(f"hello {count}", serving.trial.place)
        await serving.received(count)
        await serving.say("hello")
        nursery.cancel_scope.cancel()
    return longest_s


async def hears_a_choice(trial: PlatformTrial) -> None:
    """A choice that is pressed below a prompt is a message that carries the choice's token."""
    async with trial.serving() as serving:
        choices = (Choice("7.1.0", "Yes"), Choice("7.1.1", "No"))
        await serving.say("Sure?", said="prompt", choices=choices)
        await trial.service.press(trial.place, "No")
        [message] = await serving.received(1)
        expect(message.choice == "7.1.1", "its choice is '7.1.1'", message.choice)
        expect(message.address.lane == trial.place.lane, f"it comes from {trial.place.lane}", message.address)


async def serves_again(trial: PlatformTrial) -> None:
    """`serve` can be cancelled and called again: the supervisor does that for ever."""
    async with trial.serving() as serving:
        await trial.service.push("one", trial.place)
        await serving.received(1)
        await serving.stop()
        again = type(serving)(trial, serving.platform, serving.hearing)
        async with trio.open_nursery() as nursery:
            cycles = serving.hearing.cycles
            nursery.start_soon(again.run, name="checked serve again")
            await serving.hearing.until(
                "a second serve calls `intake.received`",
                lambda: serving.hearing.cycles > cycles or again.ended.is_set(),
            )
            expect(again.error is None, "serve runs a second time", again.error)
            await trial.service.reached()
            await trial.service.push("two", trial.place)
            messages = await again.received(2)
            expect([m.text for m in messages] == ["one", "two"], "it hears what comes later", messages)
            nursery.cancel_scope.cancel()


async def stops_at_once(trial: PlatformTrial) -> None:
    """`serve` leaves when it is cancelled, whatever it waits for, and not by itself while it can receive."""
    async with trial.serving(shut=True) as serving:
        with trio.move_on_after(SHORT_S):
            await serving.ended.wait()
        expect(not serving.ended.is_set(), "serve runs until it is cancelled", "it returned")
        await trial.service.push("one", trial.place)
        await serving.hearing.until(OFFERED, lambda: serving.hearing.offered)
        with trio.move_on_after(SOON_S) as patience:
            await serving.stop()
        expect(not patience.cancelled_caught, f"it leaves within {SOON_S:.0f} s", "it is still there")


async def returns_at_the_end_of_its_input(trial: PlatformTrial) -> None:
    """Where input can end `serve` returns then, after all was handed over, and deliveries go on."""
    async with trial.serving() as serving:
        await trial.service.push("the last", trial.place)
        await trial.service.end()
        messages = await serving.received(1)
        expect([m.text for m in messages] == ["the last"], "all of it is heard", messages)
        with trio.move_on_after(SOON_S):
            await serving.ended.wait()
        expect(serving.ended.is_set(), "serve returns", "it waits on")
        expect(serving.error is None, "without an error", serving.error)
        await serving.say("goodbye")
        await trial.shows("goodbye")


async def comes_back_after_a_lost_line(trial: PlatformTrial) -> None:
    """A lost connection ends `serve` with an OutsideError, or it goes on by itself; then it hears again."""
    async with trial.serving() as serving:
        await trial.service.disconnect()
        await trial.quiet()
        _typed(trial, serving.error)
        await trial.service.connect()
        if not serving.ended.is_set():
            await trial.service.reached()
            await trial.service.push("again", trial.place)
            with trio.move_on_after(SOON_S):
                await serving.hearing.until(
                    "an update is accepted after the line was lost",
                    lambda: trial.taken.updates or serving.ended.is_set(),
                )
            _typed(trial, serving.error)
            if trial.taken.updates:
                return
        await serving.stop()
    async with trial.serving() as serving:
        await trial.service.push("after it", trial.place)
        await serving.received(1)


async def says_that_nobody_is_there(trial: PlatformTrial) -> None:
    """`serve` without a service raises PlatformDown, or says `failed` and tries on; nothing of a library."""
    await trial.service.disconnect()
    async with trial.serving(wait=False) as serving:
        with trio.move_on_after(SOON_S):
            await serving.hearing.until(
                "serve says `intake.failed` or `intake.received`",
                lambda: serving.hearing.failures or serving.hearing.cycles,
            )
        told = serving.hearing.failures or serving.hearing.cycles
        expect(bool(told), "it raises, says failed, or receives where clients come to it", "silence")
        _typed(trial, serving.error)
    await trial.service.connect()


async def says_that_the_account_is_refused(trial: PlatformTrial) -> None:
    """Credentials that are not taken end `serve` with AccountRefused."""
    await trial.service.refuse_account()
    async with trial.serving(wait=False) as serving:
        await serving.ended.wait()
        expect(isinstance(serving.error, AccountRefused), "AccountRefused", repr(serving.error))
        _typed(trial, serving.error)


async def says_that_another_receives(trial: PlatformTrial) -> None:
    """Another poller in our place ends `serve` with PollConflict."""
    await trial.service.take_account()
    async with trial.serving(wait=False) as serving:
        await serving.ended.wait()
        expect(isinstance(serving.error, PollConflict), "PollConflict", repr(serving.error))
        _typed(trial, serving.error)


def _typed(trial: PlatformTrial, error: BaseException | None) -> None:
    if error is not None:
        expect(isinstance(error, OutsideError), "an OutsideError, bare", repr(error))
        trial.hides_secrets(error)


async def _confirmed(trial: PlatformTrial, count: int) -> None:
    """Wait until the service was told so; it is asked, as it may be another process."""
    with trio.move_on_after(SOON_S):
        while (now := await trial.service.confirmed()) < count:  # noqa: ASYNC110
            await trio.sleep(0.01)
        return
    expect(False, f"{count} updates are confirmed", now)


RECEIVING = (
    says_that_it_receives,
    receives_whatever_its_menu,
    hears,
    hears_in_order,
    confirms_only_what_is_durable,
    hands_over_again_what_was_not_durable,
    does_not_hand_over_what_was_confirmed,
    hands_over_what_it_cannot_read,
    carries_the_thread_of_what_it_hears,
    hears_its_name_in_a_group,
    lets_others_run,
    hears_a_choice,
    serves_again,
    stops_at_once,
    returns_at_the_end_of_its_input,
    comes_back_after_a_lost_line,
    says_that_nobody_is_there,
    says_that_the_account_is_refused,
    says_that_another_receives,
)
