"""A fake Telegram Bot API that independent clients accept, with the misbehaviour tests need.

In a test:

    fake = FakeBotApi()
    url = await nursery.start(fake.serve)
    fake.push(42, "hello")
    await fake.until(lambda: fake.sent(42))

As a process of its own: `python -m tests.fakes.botapi --port 0` prints its url. `POST /_control` with
`{"do": "push", "chat": 42, "text": "hello"}` calls the method of that name (those in CONTROLS) and answers
`{"ok": true, "result": ...}`; `GET /_state` gives what was seen and shown.

What goes wrong, goes wrong by a rule: `hold("sendMessage")` shows the effect of the next call and keeps its
answer back until `release()`; `botapi_rules.py` has the other makers of rules. A rule counts down `times`
calls of its method (None: until `heal()`), and may be narrowed to a chat and thread.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from email.utils import formatdate
from functools import partial
from itertools import islice
from typing import Any

import trio

from tests.fakes.botapi_chats import BotChats, Shown
from tests.fakes.botapi_params import Refusal, bad, params_of
from tests.fakes.botapi_rules import Rule, Rules
from tests.fakes.http_server import Counts, HangUp, Request, Response, serve_http

TOKEN = "123456789:AAfaketokenfaketokenfaketokenfaketo"
JSON_HEADS = {"content-type": "application/json"}


@dataclass
class Call:
    """A call as it came. `at` is wall time, so that it can be compared across processes."""

    n: int
    method: str
    params: dict[str, Any]
    at: float


@dataclass
class Poller:
    """A getUpdates that waits."""

    offset: int
    wake: trio.Event = field(default_factory=trio.Event)
    terminated: bool = False


class FakeBotApi(BotChats, Rules):
    """One bot, its chats, and the server's side of everything.

    Args:
        token: any other token is refused with 401.
        keep_calls: False for benches: count calls only.
    """

    def __init__(self, *, token: str = TOKEN, username: str = "hermes_bot", keep_calls: bool = True) -> None:
        BotChats.__init__(self, username)
        Rules.__init__(self)
        self.token = token
        self.keep_calls = keep_calls
        self.calls: list[Call] = []
        self.counts: Counter[str] = Counter()
        self.connections = Counts()
        self.offsets: list[int] = []
        self.most_pollers = 0
        self.webhook = ""
        self.drops = 0
        self.ahead_s: float | None = None  # of the true time; None: it does not say what time it has
        self.down = False
        self.held: list[str] = []
        self._pollers: list[Poller] = []
        self._changed = trio.Event()
        self.methods["deletewebhook"] = self._delete_webhook
        self.methods["getwebhookinfo"] = self._get_webhook_info

    # --- what a test sees -------------------------------------------------------------------------

    def called(self, method: str) -> list[Call]:
        """The calls of a method."""
        return [call for call in self.calls if call.method == method]

    def typing(self, chat: int) -> list[Call]:
        """The typing calls to a chat."""
        return [call for call in self.called("sendChatAction") if call.params.get("chat_id") == chat]

    @property
    def offset(self) -> int:
        """The offset that was asked for last: everything below it is confirmed."""
        return self.offsets[-1] if self.offsets else 0

    @property
    def pollers(self) -> int:
        """How many getUpdates wait now."""
        return len(self._pollers)

    def state(self) -> dict[str, Any]:
        """Everything that `GET /_state` tells."""
        return {
            "offset": self.offset,
            "pending": len(self.pending),
            "pollers": self.pollers,
            "most_pollers": self.most_pollers,
            "drops": self.drops,
            "held": list(self.held),
            "counts": dict(self.counts),
            "commands": self.commands,
            "pressed": self.pressed,
            "reactions": {f"{chat}/{mid}": value for (chat, mid), value in self.reactions.items()},
            "sent": {
                str(chat): [asdict(shown) for shown in shown_in.values()]
                for chat, shown_in in self._shown.items()
            },
            "calls": [asdict(call) for call in self.calls],
        }

    async def until(self, condition: Callable[[], Any], within_s: float = 5.0) -> Any:
        """Return what `condition()` gives once that is true; raise trio.TooSlowError after `within_s`."""
        with trio.fail_after(within_s):
            while not (value := condition()):
                await self._changed.wait()
        return value

    async def wait_sent(self, chat: int, count: int = 1, within_s: float = 5.0) -> list[str]:
        """Wait until the chat shows `count` messages of the bot; return their texts."""
        await self.until(lambda: len(self.sent(chat)) >= count, within_s)
        return self.texts(chat)

    async def wait_called(self, method: str, count: int = 1, within_s: float = 5.0) -> int:
        """Wait until a method was called `count` times in all."""
        await self.until(lambda: self.counts[method] >= count, within_s)
        return self.counts[method]

    async def wait_held(self, method: str, within_s: float = 5.0) -> bool:
        """Wait until an answer of the method is being kept back."""
        return bool(await self.until(lambda: method in self.held, within_s))

    async def wait_confirmed(self, within_s: float = 5.0) -> int:
        """Wait until the poller has confirmed everything that was pushed; return the offset."""
        await self.until(lambda: not self.pending, within_s)
        return self.offset

    # --- what goes wrong --------------------------------------------------------------------------

    def go_down(self) -> None:
        """Hang up on everybody, from now on."""
        self.down = True
        self._wake_pollers()

    def heal(self) -> None:
        """Nothing goes wrong any more."""
        self.down = False
        self.no_rules()

    def set_webhook(self, url: str) -> None:
        """Somebody set a webhook ("": it was removed)."""
        self.webhook = url

    def set_token(self, token: str) -> None:
        """The owner had the token replaced."""
        self.token = token

    def stats(self) -> dict[str, Any]:
        """What `state` tells, without what was said and shown: cheap however much that is."""
        return {
            "offset": self.offset,
            "pending": len(self.pending),
            "pollers": self.pollers,
            "held": list(self.held),
            "counts": dict(self.counts),
            "connections": self.connections.now,
        }

    # --- the server -------------------------------------------------------------------------------

    async def serve(
        self, *, port: int = 0, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve until cancelled; `started` gives the base url."""
        await serve_http(self.handle, port=port, counts=self.connections, task_status=task_status)

    async def handle(self, request: Request) -> Response:
        """Answer a request."""
        response = await self._handled(request)
        if self.ahead_s is not None:
            response.headers["date"] = formatdate(time.time() + self.ahead_s, usegmt=True)
        return response

    async def _handled(self, request: Request) -> Response:
        head, _, method = request.path.strip("/").partition("/")
        if head == "_control":
            return await self._control(request)
        if head in ("_state", "_stats"):
            return Response.json(self.state() if head == "_state" else self.stats())
        if self.down:
            raise HangUp
        if head != f"bot{self.token}":
            return Refusal(401, "Unauthorized").response()
        params = params_of(request)
        self._record(method, params)
        try:
            rule = self._rule_of(method, params)
            if rule is not None:
                return await self._misbehave(rule, method, params, request)
            return await self._answer(method, params, request)
        except Refusal as refusal:
            return refusal.response()
        finally:
            self._tell()

    async def _control(self, request: Request) -> Response:
        action = request.json()
        do = action.pop("do")
        if do not in CONTROLS:
            return Refusal(404, f"no control {do!r}").response()
        try:
            result = getattr(self, do)(**action)
            if do.startswith("wait_"):
                result = await result
        except (trio.TooSlowError, KeyError, TypeError) as error:
            return Refusal(400, f"{type(error).__name__}: {error}").response()
        self._tell()
        if isinstance(result, list):
            result = [asdict(one) if isinstance(one, (Shown, Call)) else one for one in result]
        return Response.json({"ok": True, "result": result})

    def _record(self, method: str, params: dict[str, Any]) -> None:
        self.counts[method] += 1
        if self.keep_calls:
            self.calls.append(Call(self.counts[method], method, params, time.time()))

    async def _misbehave(self, rule: Rule, method: str, params: dict[str, Any], request: Request) -> Response:
        if rule.act == "refuse":
            assert rule.refusal is not None
            return rule.refusal.response(rule.status)
        if rule.act == "reject_parse":
            raise bad("can't parse entities: unexpected end of something")
        if rule.act == "drop":
            raise HangUp
        if rule.act == "html":
            return Response(rule.status or 502, {"content-type": "text/html"}, b"<h1>Bad Gateway</h1>")
        if rule.act == "empty":
            return Response.json({"ok": True, "result": {}})
        if rule.act == "hold_before":
            await self._keep_back(rule, method, request)
        response = await self._answer(method, params, request)
        if rule.act == "drop_after":
            self._tell()
            raise HangUp
        if rule.act == "hold":
            await self._keep_back(rule, method, request)
        return response

    async def _keep_back(self, rule: Rule, method: str, request: Request) -> None:
        self.held.append(method)
        self._tell()
        try:
            await request.unless_gone(rule.released.wait)
        finally:
            self.held.remove(method)
            self._tell()

    async def _answer(self, method: str, params: dict[str, Any], request: Request) -> Response:
        name = method.lower()
        if name == "getupdates":
            return await self._get_updates(params, request)
        if name not in self.methods:
            raise Refusal(404, "Not Found: method not found")
        return Response.json({"ok": True, "result": self.methods[name](params)})

    async def _get_updates(self, params: dict[str, Any], request: Request) -> Response:
        if self.webhook:
            raise Refusal(
                409,
                "Conflict: can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
            )
        for older in self._pollers:
            older.terminated = True
            older.wake.set()
        self._confirm(params.get("offset", 0))
        timeout_s = params.get("timeout", 0)
        if not self.pending and timeout_s:
            await self._long_poll(timeout_s, request)
        limit = max(1, min(100, params.get("limit") or 100))
        raws = [raw for _, raw in islice(self.pending, limit)]
        return Response(200, JSON_HEADS, b'{"ok":true,"result":[' + b",".join(raws) + b"]}")

    def _confirm(self, offset: int) -> None:
        if offset < 0:
            while len(self.pending) > -offset:
                self.pending.popleft()
            return
        while self.pending and self.pending[0][0] < offset:
            self.pending.popleft()
        if offset:
            self.offsets.append(offset)
        self._tell()

    async def _long_poll(self, timeout_s: float, request: Request) -> None:
        poller = Poller(self.offset)
        self._pollers.append(poller)
        self.most_pollers = max(self.most_pollers, len(self._pollers))
        self._tell()
        try:
            with trio.move_on_after(timeout_s):
                await request.unless_gone(poller.wake.wait)
        finally:
            self._pollers.remove(poller)
            self._tell()
        if self.down:
            raise HangUp
        if poller.terminated:
            raise Refusal(
                409,
                "Conflict: terminated by other getUpdates request; "
                "make sure that only one bot instance is running",
            )

    def _tell(self) -> None:
        if self._changed.statistics().tasks_waiting:
            self._changed.set()
            self._changed = trio.Event()

    def _wake_pollers(self) -> None:
        for poller in self._pollers:
            poller.wake.set()
        self._tell()

    # --- methods of the Bot API -------------------------------------------------------------------

    def _delete_webhook(self, params: dict[str, Any]) -> bool:
        self.webhook = ""
        if params.get("drop_pending_updates") in (True, "true", "True"):
            self.drops += 1
            self.pending.clear()
        return True

    def _get_webhook_info(self, params: dict[str, Any]) -> dict[str, Any]:
        return {
            "url": self.webhook,
            "has_custom_certificate": False,
            "pending_update_count": len(self.pending),
        }


CONTROLS = frozenset(
    {
        *("chat", "topic", "push", "push_many", "push_update", "push_text", "redeliver", "press"),
        *("sent", "texts", "called", "typing", "hold", "hold_before", "release", "refuse"),
        *("timeout_after_accept", "drop_conn", "gateway_error", "reject_parse", "ok_but_business_error"),
        *("ok_without_id", "go_down", "heal", "set_webhook", "set_token", "stats"),
        *("wait_sent", "wait_called", "wait_held", "wait_confirmed"),
    }
)


async def main(port: int, token: str, *, keep_calls: bool) -> None:
    """Serve until killed; the first line printed is the url."""
    fake = FakeBotApi(token=token, keep_calls=keep_calls)
    async with trio.open_nursery() as nursery:
        url = await nursery.start(partial(fake.serve, port=port))
        print(url, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A fake Telegram Bot API.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--no-calls", action="store_true", help="count calls, do not keep them (benches)")
    words = parser.parse_args()
    trio.run(partial(main, words.port, words.token, keep_calls=not words.no_calls))
