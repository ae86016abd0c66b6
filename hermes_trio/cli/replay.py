"""`replay`: a session that was written out, run again; from a step on with a live model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hermes_trio.cli.ask import FAILED
from hermes_trio.cli.options import config_option, find_file, loaded, tell
from hermes_trio.text.sanitize import visible

if TYPE_CHECKING:
    from trio.testing import MockClock

    from hermes_trio.config.load import Config
    from hermes_trio.runtime.redaction import Redactor
    from hermes_trio.testing.replay import Replay
    from hermes_trio.values.recording import Recording


@click.command()
@click.argument("recording", type=click.Path(path_type=Path, dir_okay=False))
@config_option
@click.option("--from-step", type=click.IntRange(min=1), metavar="N", help="From this step on ask the model.")
@click.option("--model", metavar="NAME", help="Another model than the configured one.")
@click.option("--run-tools", metavar="NAME", multiple=True, help="A tool that may be run. Repeatable.")
def replay(
    recording: Path, file: Path | None, from_step: int | None, model: str | None, run_tools: Sequence[str]
) -> int:
    """Run a session again that `export` has written; nothing of it has an effect."""
    from hermes_trio.testing.replay import load_recording

    if from_step is None and (model or run_tools):
        raise click.UsageError("--model and --run-tools go with --from-step")
    found = load_recording(recording)
    if from_step is None:
        return _again(found)
    return _onward(found, find_file(file), from_step, model, run_tools)


def _clock() -> MockClock:
    from trio.testing import MockClock

    return MockClock(autojump_threshold=0)


def _again(recording: Recording) -> int:
    import trio

    return trio.run(_run_again, recording, clock=_clock())


async def _run_again(recording: Recording) -> int:
    from hermes_trio.testing.replay import Diverged, open_replay

    async with open_replay(recording) as replay:
        try:
            await replay.finished()
        except Diverged as error:
            tell(str(error))
        click.echo(visible(replay.timeline()))
        different = replay.differences()
    for one in different:
        click.echo(visible(str(one)))
    click.echo(f"{len(different)} differences" if different else "the same")
    return FAILED if different else 0


def _onward(
    recording: Recording, file: Path | None, from_step: int, model: str | None, run_tools: Sequence[str]
) -> int:
    import trio
    from msgspec.structs import replace

    from hermes_trio.runtime.redaction import Redactor

    config = loaded(file)
    if model is not None:
        config = replace(config, model=replace(config.model, name=model, fallback=()))
    if missing := set(run_tools) - set(config.tools.names):
        raise click.UsageError(f"--run-tools: not enabled in the configuration: {', '.join(sorted(missing))}")
    clock = _clock()

    def go_on() -> None:
        """What was recorded takes no time; from here on a second is one."""
        clock.autojump_threshold, clock.rate = float("inf"), 1.0

    run = partial(_run_onward, recording, config, from_step, run_tools, go_on, Redactor(config.secrets))
    return trio.run(run, clock=clock)


async def _run_onward(
    recording: Recording,
    config: Config,
    from_step: int,
    run_tools: Sequence[str],
    on_live: Callable[[], None],
    redact: Redactor,
) -> int:
    from hermes_trio.daemon.configured_agent import agent_of, enabled_tools, open_models
    from hermes_trio.runtime.clock import SystemClock, system_chance
    from hermes_trio.runtime.log import standard_log
    from hermes_trio.testing.replay import open_replay, recorded_tools

    tools = enabled_tools(config.tools.names)
    tools += recorded_tools(recording, but={tool.name for tool in tools})
    log, clock, chance = standard_log(redact), SystemClock(), system_chance()
    async with open_models(config, clock=clock, chance=chance, log=log, learn=redact.learn) as models:
        agent = agent_of(config, models, tools)
        opened = open_replay(
            recording, agent=agent, run_tools=run_tools, from_step=from_step, on_live=on_live
        )
        async with opened as replay:
            await replay.finished()
            click.echo(visible(redact(replay.timeline())))
            return _answer(replay, redact)


def _answer(replay: Replay, redact: Callable[[str], str]) -> int:
    """What the turn that went on by itself has said."""
    turn, now = replay.script.live_turn, replay.as_recorded()
    for part in now.said:
        if part.turn == turn and part.state != "dropped":
            click.echo(visible(f"\n{redact(part.text)}"))
    states = [one.state for one in now.turns if one.id == turn]
    return 0 if states == ["finished"] else FAILED
