"""Which session of a key is open: one ends and another follows."""

from __future__ import annotations

from hermes_trio.store.promises import processes
from hermes_trio.store.tx import PENDING, Tx, text_of
from hermes_trio.values.consequences import ReplaceKey, WakeKey
from hermes_trio.values.identity import ConversationKey


def succeed(tx: Tx, key: ConversationKey, old: int, why: str, who: str, *, again: int | None = None) -> int:
    """The key's session ends and the next one opens, or one that had ended opens again. Returns its id.

    The commit cancels the old session's scope. Messages that wait go to the session that is open then.
    """
    name = text_of(key)
    processes.end_with_session(tx, old, why)
    tx.run("update session set ended_at = ?, why = ? where id = ?", (tx.now, why, old))
    if again is None:
        new = tx.open_session(name)
    else:
        new = again
        tx.run(
            "update session set ended_at = null, why = null, opened_at = ?, interrupted = 0 where id = ?",
            (tx.now, new),
        )
    # Messages that an interrupt put back and that still wait belong to the new session, not to the old one.
    tx.run(
        f"update entry set session = ? where inbound in (select id from inbound where key = ? and {PENDING})",
        (new, name),
    )
    # A wake for the old session may be in the list already: the successor must be the last word.
    tx.consequences = [c for c in tx.consequences if not isinstance(c, WakeKey)]
    tx.then(ReplaceKey(key, new, why, who))
    return new
