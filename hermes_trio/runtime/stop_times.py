"""How long the parts of a stop may take, in seconds; turns that work have `drain_timeout_s` beside them."""

CHECKPOINT_S = 2.0
"""For the checkpoint, before the drain."""

LEAVE_S = 2.0
"""For what was cancelled: a turn's tasks, a process group, a predecessor for whom its successor waits."""

FLUSH_S = 5.0
"""For what is owed to chats."""

CLOSE_S = 3.0
"""For the store's last commits, where the disk hangs."""


def stop_s(drain_timeout_s: float) -> float:
    """The longest a whole stop takes, in seconds."""
    return CHECKPOINT_S + drain_timeout_s + LEAVE_S + FLUSH_S + CLOSE_S
