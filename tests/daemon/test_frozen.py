"""A daemon that is stopped (SIGSTOP) for longer than a turn may last, and goes on."""

from __future__ import annotations

import signal

import trio

from tests.fakes.model_script import Item

ADA = 42
DEADLINE_S, STOPPED_S = 4.0, 5.0


async def test_time_in_which_it_was_stopped_is_not_the_turns(place):
    config = place.home / "hermes.toml"
    limited = f"[gateway]\nturn_deadline_s = {DEADLINE_S}\n"
    config.write_text(config.read_text().replace("[gateway]\n", limited))
    place.model.push(Item(hold=0, text="done"))
    async with place.daemon() as daemon:
        await daemon.ready()
        place.bot.push(ADA, "hello")
        await place.model.until_held()
        daemon.signal(signal.SIGSTOP)
        await trio.sleep(STOPPED_S)  # nothing happens: it is the machine's own time that passes
        daemon.signal(signal.SIGCONT)
        place.model.release()
        await daemon.until_said("turn closed")
        assert await daemon.stop() == 0
    assert place.bot.texts(ADA) == ["done"]
