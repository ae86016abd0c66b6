"""What a seed can draw, and how often."""

from __future__ import annotations

from hermes_trio.testing.simulation.plan import Moment, Operation, Place, Strayed

GAPS = (
    (0.0, 10),
    (0.0005, 8),
    (0.001, 4),
    (0.005, 8),
    (0.02, 6),
    (0.3, 8),
    (0.6, 6),
    (1.0, 4),
    (2.0, 4),
    (5.0, 4),
    (30.0, 2),
    (61.0, 2),
    (700.0, 1),
    (3601.0, 1),
    (86_401.0, 0.5),
)
"""Seconds between two happenings, and how often."""

PLACES = (
    Place("ada"),
    Place("bob"),
    Place("ada", "topic"),
    Place("club", None, True),
    Place("club", "topic", True),
    Place("ada", account="second"),
    Place("club", None, True, "second"),
)
USERS = ("ada", "bob", "eve", "zoe")
STRANGER = "mallory"

TOOL_WORDS = (
    ("once", 10),
    ("slow", 4),
    ("again", 4),
    ("stubborn", 4),
    ("fails", 2),
    ("leaks", 1),
    ("hangs", 0.5),
    ("stone", 2),
    ("sleep:0.01", 2),
    ("sleep:7", 2),
    ("sleep:3600", 0.7),
    ("sleep:90000", 0.2),
    ("reset", 1.5),
    ("terminal:quick", 1),
    ("terminal:slow", 1),
    ("terminal:stubborn", 0.7),
    ("start:quick", 1),
    ("start:slow", 1),
    ("start:stubborn", 1),
    ("start:forever", 1),
    ("keep:slow", 0.7),
    ("watch:chatty", 0.7),
    ("poll", 1),
    ("wait", 0.7),
    ("kill", 0.7),
)
VERB_WORDS = (
    ("once", 10),
    ("slow", 4),
    ("again", 4),
    ("stubborn", 4),
    ("fails", 3),
    ("leaks", 1),
    ("hangs", 0.5),
    ("stone", 2),
    ("sleep:0.01", 2),
    ("sleep:7", 2),
    ("sleep:3600", 0.7),
    ("say", 4),
    ("ask:5", 3),
    ("ask:600", 4),
    ("choose:60", 3),
    ("silence", 0.5),
    ("breaks", 0.7),
    ("records", 2),
    ("reset", 1.5),
)
ANSWER_WORDS = (
    ("stream:0.3", 2),
    ("stream:2", 3),
    ("part", 3),
    ("think:0.8", 2),
    ("think:20", 1),
    ("tells", 1),
)
COMMANDS = (
    ("/new", 10),
    ("/stop", 8),
    ("/stop all", 2),
    ("/status", 5),
    ("/resume", 2),
    ("/resume 1", 1),
    ("/restart", 1.5),
    ("/help", 0.5),
    ("/nwe", 1),
    ("/cc", 1),
)
FAULTS: tuple[tuple[str, dict[str, tuple[float, ...]], float], ...] = (
    ("platform_refuses", {}, 2),
    ("platform_gone", {}, 1),
    ("platform_refuses_markup", {}, 1),
    ("platform_loses_answer", {}, 4),
    ("platform_hangs", {}, 3),
    ("platform_not_sent", {}, 3),
    ("platform_limits", {"wait_s": (1.0, 7.0, 40.0)}, 2),
    ("platform_disconnects", {"for_s": (0.5, 20.0, 4000.0, 90_000.0)}, 2),
    ("platform_repeats_updates", {"count": (1, 3)}, 2),
    ("platform_reorders_updates", {"count": (2, 3)}, 0.5),
    ("model_hangs", {}, 1),
    ("model_hangs_midstream", {}, 1),
    ("model_ends_early", {}, 1),
    ("model_quota", {}, 2),
    ("model_rate_limit", {"retry_after_s": (1.0, 90.0)}, 2),
    ("model_unavailable", {}, 2),
    ("model_unauthorized", {}, 1),
    ("model_rubbish", {}, 1),
    ("store_full", {"for_s": (0.05, 3.0, 40.0)}, 2),
    ("store_slow", {"for_s": (1.0, 20.0), "delay_s": (0.05, 1.0, 3.0)}, 2),
    ("store_fails_commit", {"nth": (1, 2, 3, 5, 8)}, 3),
    ("store_fails_read", {"nth": (1, 2, 3, 5, 8, 20, 50)}, 1),
    ("machine_full", {"for_s": (0.5, 20.0)}, 0.3),
    ("clock_jumps", {"by_s": (-7200.0, -30.0, 30.0, 7200.0, 90_000.0)}, 2),
    ("freezes", {"for_s": (0.5, 5.0, 300.0, 4000.0)}, 1),
)
"""Names of `hermes_trio.testing.faults`, what each is given, and how often."""
CALM_AFTER = ((0.0, 2), (0.02, 2), (1.0, 3), (10.0, 3), (60.0, 2), (100.0, 1), (3700.0, 0.4), (90_001.0, 0.2))
"""Seconds from the last happening until faults end."""
CALM_AFTER_NODES = ((0.02, 2), (1.0, 3), (10.0, 3), (60.0, 3), (100.0, 1))
FROZEN_S = ((3.0, 1), (11.0, 1), (13.0, 1), (20.0, 2), (45.0, 3), (300.0, 0.3))
"""Seconds for which a node is frozen or cut off: of its lease it may miss a renewal, the margin, or all."""
FREEZES: tuple[Moment, ...] = ("now", "before commit", "after commit", "after commit")
SKEWS_S = (-7200.0, -300.0, -30.0, 30.0, 300.0, 7200.0)
BESIDE = 0.05
"""How often there are two gateways in the process."""
BANNED = 0.15
"""How often a story ends with somebody who is banned."""
LID = KEPT = SLOWLY = HASTY = REFUSED = 0.1
"""How often with a process that is stopped, a spoilt row, a slow disk, a short wait, a refused answer."""
ODDLY = 0.2
"""How often with a model whose endpoint answers oddly."""
PICKY = 0.2
"""How often with a model whose endpoint refuses parts of requests."""
INQUIRED = 0.2
"""How often with a tool that asks amid its call."""
ODDITIES = ("odd", "refuses", "refuses", "cut", "doubled", "doubled", "aloud", "loose", "pauses")
HURRIED = ("hasty:again", "hasty:again", "hasty:again")
"""Steps that a function waits for no longer, while what it waited for before is not recorded yet."""
NOTED = GIVEN_BACK = 0.25
"""How often with a message that a model refuses beside what the gateway tells, and with one that cannot be
read while it is kept. Few plans have what that needs."""
AMID, HUNG = 0.15, 0.15
"""How often with a row that is spoilt amid a command, and a disk that hangs at a stop."""
MISHEARD, TOGETHER = 0.15, 0.3
"""How often with an answer that cannot be read any more, and with an admin and somebody else in one
conversation. Few plans have what the second needs."""
STRAY = FAILING = CHATTY = UNSAID = PRESSED = 0.1
"""How often with updates that are no message to this bot, a model that fails for long, a program that is
watched, an agent that says nothing, and a button that another presses."""
UNSERVED = 0.3
"""How often with a start without one of the bots. Few plans have several."""
STRAYS: tuple[Strayed, ...] = ("undecodable", "bot", "another bot", "unaddressed")
"""The first two are met in a private chat too."""
FAILURES = (
    "model_quota",
    "model_unauthorized",
    "model_rate_limit",
    "model_unavailable",
    "model_rubbish",
    "model_breaks_off",
    "model_too_long",
)
HANGS_S = (0.7, 6.0, 1e6)
"""In time for the checkpoint, for the last commit, or never."""
BODIES = (("inbound", "body"), ("entry", "body"), ("outbound", "part"), ("step", "value"))
"""What a row says, beside what it is."""
RUBBISH = ("rubbish", "utf8", "blob", "truncated", "deep")
OPERATIONS: tuple[Operation, ...] = ("stop", "stop all", "reset", "resume")
MOMENTS: tuple[tuple[Moment, float], ...] = (
    ("now", 2),
    ("round", 3),
    ("before commit", 2),
    ("after commit", 3),
)
