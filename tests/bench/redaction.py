"""What it costs to look for secrets in what one message makes: at a hundred secrets as at one."""

from __future__ import annotations

import random
from base64 import b64encode
from time import process_time

from hermes_trio.runtime.redaction import Redactor
from hermes_trio.values.identity import Secret
from tests.bench.report import Goal, Line, line

MESSAGES, ROUNDS = 500, 5
LINE = 'level=info event="turn closed" turn=17 key=telegram/main/10012 outcome=finished ts=1764356000.'
SAID = ("What is the weather like in Lisbon?", "Sunny, 21 degrees. Take a hat with you.")
OF_A_MESSAGE = (*(f"{LINE}{n}" for n in range(4)), *SAID * 3)
"""Its log lines; its text and its answer, each as it is kept, said and stored."""


async def redaction() -> list[Line]:
    """The time of one message's redactions, in the daemon's own process."""
    one, many = _redactor(1), _redactor(100)
    few: list[float] = []
    lots: list[float] = []
    for _ in range(ROUNDS):
        few.append(_cost_us(one))
        lots.append(_cost_us(many))
    goal = Goal("ratio", "<=", 1.5)
    name = "CPU of redaction per message, 100 secrets"
    return [line(name, "µs", lots, beside="1 secret", others=few, goal=goal)]


def _redactor(count: int) -> Redactor:
    dice = random.Random(count)
    return Redactor([Secret(f"sk-{b64encode(dice.randbytes(36)).decode()}") for _ in range(count)])


def _cost_us(redact: Redactor) -> float:
    began = process_time()
    for n in range(MESSAGES):
        for text in OF_A_MESSAGE:
            redact(f"{text}{n}")
    return (process_time() - began) / MESSAGES * 1e6
