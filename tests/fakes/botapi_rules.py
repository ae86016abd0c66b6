"""How a fake Bot API is told to misbehave: rules for the next calls of a method."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import trio

from tests.fakes.botapi_params import Refusal, bad


@dataclass
class Rule:
    """What happens to some calls of a method: see the makers in Rules."""

    method: str
    act: str
    times: int | None
    chat: int | None = None
    thread: int | None = None
    refusal: Refusal | None = None
    status: int | None = None
    released: trio.Event = field(default_factory=trio.Event)

    def meets(self, method: str, params: dict[str, Any]) -> bool:
        return (
            self.method in (method, "*")
            and (self.chat is None or params.get("chat_id") == self.chat)
            and (self.thread is None or params.get("message_thread_id") == self.thread)
        )


class Rules:
    """The rules that stand. Each maker adds one for the next `times` calls; None: until `no_rules`."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []

    def hold(self, method: str, times: int | None = 1, chat: int | None = None) -> None:
        """The effect is there; the answer is kept back until `release`."""
        self._rules.append(Rule(method, "hold", times, chat))

    def hold_before(self, method: str, times: int | None = 1, chat: int | None = None) -> None:
        """Effect and answer both wait until `release`."""
        self._rules.append(Rule(method, "hold_before", times, chat))

    def release(self, method: str = "*") -> None:
        """Let what is held go on, and hold no more."""
        for rule in [rule for rule in self._rules if rule.act.startswith("hold")]:
            if method in ("*", rule.method):
                rule.released.set()
                self._rules.remove(rule)

    def refuse(
        self,
        method: str,
        code: int,
        description: str = "",
        *,
        times: int | None = 1,
        retry_after: int | None = None,
        migrate_to: int | None = None,
        chat: int | None = None,
        thread: int | None = None,
    ) -> None:
        """Answer with this error, without effect."""
        parameters: dict[str, Any] = {}
        if retry_after is not None:
            parameters["retry_after"] = retry_after
            description = description or f"Too Many Requests: retry after {retry_after}"
        if migrate_to is not None:
            parameters["migrate_to_chat_id"] = migrate_to
        refusal = Refusal(code, description or f"Error {code}", **parameters)
        self._rules.append(Rule(method, "refuse", times, chat, thread, refusal))

    def timeout_after_accept(self, method: str, times: int | None = 1, chat: int | None = None) -> None:
        """The effect is there; the answer never comes."""
        self.hold(method, times, chat)

    def drop_conn(self, method: str, times: int | None = 1, *, accepted: bool = False) -> None:
        """Hang up, before the effect or (accepted) after it."""
        self._rules.append(Rule(method, "drop_after" if accepted else "drop", times))

    def gateway_error(self, method: str, status: int = 502, times: int | None = 1) -> None:
        """A proxy answers with HTML; no effect."""
        self._rules.append(Rule(method, "html", times, status=status))

    def reject_parse(self, times: int | None = 1) -> None:
        """Refuse a send or edit that has entities."""
        self._rules.append(Rule("*", "reject_parse", times))

    def ok_but_business_error(self, method: str, times: int | None = 1) -> None:
        """HTTP 200 with ok false; no effect."""
        refusal = bad("business error")
        self._rules.append(Rule(method, "refuse", times, refusal=refusal, status=200))

    def ok_without_id(self, method: str, times: int | None = 1) -> None:
        """ok true with a result that names no message; no effect."""
        self._rules.append(Rule(method, "empty", times))

    def no_rules(self) -> None:
        """Nothing goes wrong any more; what is held goes on."""
        self.release()
        self._rules.clear()

    def _rule_of(self, method: str, params: dict[str, Any]) -> Rule | None:
        for rule in self._rules:
            if not rule.meets(method, params) or rule.times == 0:
                continue
            if rule.act == "reject_parse" and not params.get("entities"):
                continue
            if rule.times is not None:
                rule.times -= 1
                if rule.times == 0 and not rule.act.startswith("hold"):
                    self._rules.remove(rule)
            return rule
        return None
