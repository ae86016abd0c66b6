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
answer back until `release()`; see the other makers of rules below it. A rule counts down `times` calls of its
method (None: until `heal()`), and may be narrowed to a chat and thread.
"""

from __future__ import annotations

import argparse
import re
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from email.message import Message as Mime
from email.parser import BytesParser
from email.policy import HTTP
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import trio

from tests.fakes.http_server import Counts, HangUp, Request, Response, serve_http

TOKEN = "123456789:AAfaketokenfaketokenfaketokenfaketo"
BOT_ID = 123456789
TEXT_MAX = 4096
INT_FIELDS = {"chat_id", "message_thread_id", "message_id", "offset", "limit", "timeout"}
JSON_FIELDS = {
    "entities",
    "reply_parameters",
    "reply_markup",
    "allowed_updates",
    "commands",
    "reaction",
    "link_preview_options",
    "scope",
}
FORMATS = (
    "mention hashtag cashtag bot_command url email phone_number bold italic underline strikethrough spoiler "
    "blockquote expandable_blockquote code pre text_link text_mention custom_emoji"
)
ENTITY_TYPES = set(FORMATS.split())
JSON_HEADS = {"content-type": "application/json"}
ADDRESSEES = re.compile(r"(?:(?<=\s)|^)(?:(@\w+)|(/\w+(?:@\w+)?))")


class Refusal(Exception):
    """An answer with ok false."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters

    def response(self, status: int | None = None) -> Response:
        body: dict[str, Any] = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            body["parameters"] = self.parameters
        return Response.json(body, status or self.code)


def bad(description: str) -> Refusal:
    return Refusal(400, f"Bad Request: {description}")


@dataclass
class Shown:
    """A message of the bot as the chat shows it now."""

    chat: int
    message_id: int
    thread: int | None
    text: str
    entities: list[dict[str, Any]]
    buttons: list[dict[str, Any]]
    reply_to: int | None
    at: float
    edits: list[str] = field(default_factory=list)
    deleted: bool = False


@dataclass
class Call:
    """A call as it came. `at` is wall time, so that it can be compared across processes."""

    n: int
    method: str
    params: dict[str, Any]
    at: float


@dataclass
class Rule:
    """What happens to some calls of a method: see the makers in FakeBotApi."""

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


@dataclass
class Poller:
    """A getUpdates that waits."""

    offset: int
    wake: trio.Event = field(default_factory=trio.Event)
    terminated: bool = False


class FakeBotApi:
    """One bot, its chats, and the server's side of everything.

    Args:
        token: any other token is refused with 401.
        keep_calls: False for benches: count calls only.
    """

    def __init__(self, *, token: str = TOKEN, username: str = "hermes_bot", keep_calls: bool = True) -> None:
        self.token = token
        self.me: dict[str, Any] = {
            "id": BOT_ID,
            "is_bot": True,
            "first_name": "Hermes",
            "username": username,
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }
        self.keep_calls = keep_calls
        self.calls: list[Call] = []
        self.counts: Counter[str] = Counter()
        self.connections = Counts()
        self.pending: deque[tuple[int, bytes]] = deque()
        self.offsets: list[int] = []
        self.most_pollers = 0
        self.webhook = ""
        self.drops = 0
        self.down = False
        self.pressed: list[str] = []
        self.reactions: dict[tuple[int, int], list[Any]] = {}
        self.commands: list[dict[str, str]] = []
        self.held: list[str] = []
        self.topics: dict[tuple[int, int], str] = {}
        self._pollers: list[Poller] = []
        self._rules: list[Rule] = []
        self._shown: dict[int, dict[int, Shown]] = {}
        self._chats: dict[int, dict[str, Any]] = {}
        self._messages: dict[tuple[int, int], dict[str, Any]] = {}
        self._history: dict[tuple[int, int], bytes] = {}
        self._next_update = 1000
        self._next_message = 1
        self._changed = trio.Event()
        self._methods: dict[str, Callable[[dict[str, Any]], Any]] = {
            "getme": lambda params: self.me,
            "sendmessage": self._send_message,
            "editmessagetext": self._edit_message_text,
            "deletemessage": self._delete_message,
            "sendchataction": self._send_chat_action,
            "setmessagereaction": self._set_message_reaction,
            "setmycommands": self._set_my_commands,
            "answercallbackquery": self._answer_callback_query,
            "deletewebhook": self._delete_webhook,
            "getwebhookinfo": self._get_webhook_info,
        }

    # --- what a test does as the users ------------------------------------------------------------

    def chat(self, chat: int, **more: Any) -> dict[str, Any]:
        """The chat, made on first use: positive ids are private chats, others supergroups."""
        if chat not in self._chats:
            self._chats[chat] = (
                {"id": chat, "type": "private", "first_name": f"User {chat}"}
                if chat > 0
                else {"id": chat, "type": "supergroup", "title": f"Group {chat}"}
            )
        self._chats[chat].update(more)
        return self._chats[chat]

    def topic(self, chat: int, thread: int, state: str = "open") -> None:
        """Make a forum topic: open, closed or deleted."""
        self.chat(chat)
        self.topics[chat, thread] = state

    def push(
        self,
        chat: int,
        text: str | None = "hello",
        *,
        user: int | None = None,
        thread: int | None = None,
        reply_to: int | None = None,
        more: dict[str, Any] | None = None,
    ) -> int:
        """A user writes; returns the message id.

        Args:
            user: by default the private chat's own, or 7 in groups.
            thread: a forum topic, made if need be.
            more: further fields of the message, or other values of the usual ones.
        """
        message = self._user_message(chat, user, text)
        if thread is not None:
            self.topics.setdefault((chat, thread), "open")
            message |= {"message_thread_id": thread, "is_topic_message": True}
            message["reply_to_message"] = self._topic_root(chat, thread)
        if reply_to is not None:
            message["reply_to_message"] = self._messages[chat, reply_to]
        message |= more or {}
        self._messages[chat, message["message_id"]] = message
        self.push_update({"message": message}, history=(chat, message["message_id"]))
        return message["message_id"]

    def push_many(self, count: int, chats: list[int], text: str = "hello") -> None:
        """Push `count` messages, going round the chats."""
        for n in range(count):
            chat = chats[n % len(chats)]
            message = self._user_message(chat, None, text)
            self._queue({"message": message})
        self._wake_pollers()

    def push_update(self, update: dict[str, Any], *, history: tuple[int, int] | None = None) -> int:
        """Push an update of any shape; returns its update_id."""
        update_id, raw = self._queue(update)
        if history is not None:
            self._history[history] = raw
        self._wake_pollers()
        return update_id

    def push_raw(self, raw: bytes) -> int:
        """Push these bytes as an update; `%d` in them becomes its update_id."""
        self._next_update += 1
        self.pending.append((self._next_update, raw.replace(b"%d", b"%d" % self._next_update)))
        self._wake_pollers()
        return self._next_update

    def push_text(self, raw: str) -> int:
        """As push_raw."""
        return self.push_raw(raw.encode())

    def redeliver(self, chat: int, message_id: int) -> int:
        """Push the same message once more, under a new update_id."""
        update = msgspec.json.decode(self._history[chat, message_id])
        del update["update_id"]
        return self.push_update(update)

    def press(self, chat: int, message_id: int, data: str, *, user: int | None = None) -> str:
        """A user presses a button below a message of the bot; returns the callback query's id."""
        shown = self._shown[chat][message_id]
        self._next_update += 1
        press_id = str(4_000_000_000 + self._next_update)
        query = {
            "id": press_id,
            "from": self._user(user or (chat if chat > 0 else 7)),
            "message": self._as_message(shown),
            "chat_instance": "1",
            "data": data,
        }
        self.push_update({"callback_query": query})
        return press_id

    # --- what a test sees -------------------------------------------------------------------------

    def sent(self, chat: int, *, deleted: bool = False) -> list[Shown]:
        """The bot's messages in a chat as they look now, in order."""
        return [shown for shown in self._shown.get(chat, {}).values() if deleted or not shown.deleted]

    def texts(self, chat: int) -> list[str]:
        """The texts the chat shows of the bot."""
        return [shown.text for shown in self.sent(chat)]

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

    def go_down(self) -> None:
        """Hang up on everybody, from now on."""
        self.down = True
        self._wake_pollers()

    def heal(self) -> None:
        """Nothing goes wrong any more."""
        self.down = False
        self.release()
        self._rules.clear()

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
        head, _, method = request.path.strip("/").partition("/")
        if head == "_control":
            return await self._control(request)
        if head in ("_state", "_stats"):
            return Response.json(self.state() if head == "_state" else self.stats())
        if self.down:
            raise HangUp
        if head != f"bot{self.token}":
            return Refusal(401, "Unauthorized").response()
        params = _params(request)
        self._record(method, params)
        try:
            rule = self._rule(method, params)
            if rule is not None:
                return await self._misbehave(rule, method, params, request)
            return await self._answer(method, params, request)
        except Refusal as refusal:
            return refusal.response()
        finally:
            self._tell()

    async def _control(self, request: Request) -> Response:
        wish = request.json()
        do = wish.pop("do")
        if do not in CONTROLS:
            return Refusal(404, f"no control {do!r}").response()
        try:
            result = getattr(self, do)(**wish)
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

    def _rule(self, method: str, params: dict[str, Any]) -> Rule | None:
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
        if name not in self._methods:
            raise Refusal(404, "Not Found: method not found")
        return Response.json({"ok": True, "result": self._methods[name](params)})

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

    def _queue(self, update: dict[str, Any]) -> tuple[int, bytes]:
        self._next_update += 1
        raw = msgspec.json.encode({"update_id": self._next_update} | update)
        self.pending.append((self._next_update, raw))
        return self._next_update, raw

    # --- methods of the Bot API -------------------------------------------------------------------

    def _send_message(self, params: dict[str, Any]) -> dict[str, Any]:
        chat = self._known_chat(params)
        thread = self._known_thread(params)
        text, entities = _checked_text(params)
        reply_to = self._anchor(chat, params)
        self._next_message += 1
        shown = Shown(
            chat, self._next_message, thread, text, entities, _buttons(params), reply_to, time.time()
        )
        self._shown.setdefault(chat, {})[shown.message_id] = shown
        message = self._as_message(shown)
        if reply_to is not None:
            message["reply_to_message"] = self._messages[chat, reply_to]
        self._messages[chat, shown.message_id] = message
        return message

    def _anchor(self, chat: int, params: dict[str, Any]) -> int | None:
        reply = params.get("reply_parameters") or {}
        if "reply_to_message_id" in params:
            reply = {"message_id": int(params["reply_to_message_id"])}
        if not reply or (chat, reply["message_id"]) in self._messages:
            return reply.get("message_id")
        if not reply.get("allow_sending_without_reply"):
            raise bad("message to be replied not found")
        return None

    def _edit_message_text(self, params: dict[str, Any]) -> dict[str, Any]:
        shown = self._bots_own(params, "edit")
        text, entities = _checked_text(params)
        buttons = _buttons(params)
        if (text, entities, buttons) == (shown.text, shown.entities, shown.buttons):
            raise bad(
                "message is not modified: specified new message content and reply markup are exactly "
                "the same as a current content and reply markup of the message"
            )
        shown.text, shown.entities, shown.buttons = text, entities, buttons
        shown.edits.append(text)
        return self._as_message(shown) | {"edit_date": int(time.time())}

    def _delete_message(self, params: dict[str, Any]) -> bool:
        self._bots_own(params, "delete").deleted = True
        return True

    def _send_chat_action(self, params: dict[str, Any]) -> bool:
        self._known_chat(params)
        self._known_thread(params)
        if params.get("action") != "typing":
            raise bad("wrong parameter action in request")
        return True

    def _set_message_reaction(self, params: dict[str, Any]) -> bool:
        where = self._known_chat(params), params.get("message_id", 0)
        if where not in self._messages:
            raise bad("message to react not found")
        self.reactions[where] = params.get("reaction", [])
        return True

    def _set_my_commands(self, params: dict[str, Any]) -> bool:
        for command in params["commands"]:
            if not re.fullmatch("[a-z0-9_]{1,32}", command["command"]) or not command["description"]:
                raise bad("BOT_COMMAND_INVALID")
        self.commands = params["commands"]
        return True

    def _answer_callback_query(self, params: dict[str, Any]) -> bool:
        self.pressed.append(params["callback_query_id"])
        return True

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

    # --- values -----------------------------------------------------------------------------------

    def _known_chat(self, params: dict[str, Any]) -> int:
        chat = params.get("chat_id")
        if chat not in self._chats:
            raise bad("chat not found")
        return chat

    def _known_thread(self, params: dict[str, Any]) -> int | None:
        thread = params.get("message_thread_id")
        if thread is None:
            return None
        state = self.topics.get((params["chat_id"], thread))
        if state is None or state == "deleted":
            raise bad("message thread not found")
        if state == "closed":
            raise bad("TOPIC_CLOSED")
        return thread

    def _bots_own(self, params: dict[str, Any], verb: str) -> Shown:
        shown = self._shown.get(self._known_chat(params), {}).get(params.get("message_id", 0))
        if shown is None or shown.deleted:
            raise bad(f"message to {verb} not found")
        return shown

    def _user(self, user: int) -> dict[str, Any]:
        return {"id": user, "is_bot": False, "first_name": f"User {user}", "language_code": "en"}

    def _user_message(self, chat: int, user: int | None, text: str | None) -> dict[str, Any]:
        self._next_message += 1
        message = {
            "message_id": self._next_message,
            "from": self._user(user or (chat if chat > 0 else 7)),
            "chat": self.chat(chat),
            "date": int(time.time()),
        }
        if text is not None:
            message["text"] = text
            if entities := _addressees(text):
                message["entities"] = entities
        return message

    def _topic_root(self, chat: int, thread: int) -> dict[str, Any]:
        return {
            "message_id": thread,
            "from": self.me,
            "chat": self.chat(chat),
            "date": 1,
            "message_thread_id": thread,
            "is_topic_message": True,
            "forum_topic_created": {"name": f"Topic {thread}", "icon_color": 7322096},
        }

    def _as_message(self, shown: Shown) -> dict[str, Any]:
        message: dict[str, Any] = {
            "message_id": shown.message_id,
            "from": self.me,
            "chat": self.chat(shown.chat),
            "date": int(shown.at),
            "text": shown.text,
        }
        if shown.entities:
            message["entities"] = shown.entities
        if shown.thread is not None:
            message |= {"message_thread_id": shown.thread, "is_topic_message": True}
        if shown.buttons:
            message["reply_markup"] = {"inline_keyboard": [[button] for button in shown.buttons]}
        return message


CONTROLS = frozenset(
    {
        *("chat", "topic", "push", "push_many", "push_update", "push_text", "redeliver", "press"),
        *("sent", "texts", "called", "typing", "hold", "hold_before", "release", "refuse"),
        *("timeout_after_accept", "drop_conn", "gateway_error", "reject_parse", "ok_but_business_error"),
        *("ok_without_id", "go_down", "heal", "set_webhook", "set_token", "stats"),
        *("wait_sent", "wait_called", "wait_held", "wait_confirmed"),
    }
)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _addressees(text: str) -> list[dict[str, Any]]:
    return [
        {
            "type": "mention" if found[1] else "bot_command",
            "offset": _units(text[: found.start()]),
            "length": _units(found[0]),
        }
        for found in ADDRESSEES.finditer(text)
    ]


def _checked_text(params: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    text = params.get("text", "")
    if not text.strip():
        raise bad("message text is empty")
    length = _units(text)
    if length > TEXT_MAX:
        raise bad("message is too long")
    entities = params.get("entities") or []
    for entity in entities:
        if entity.get("type") not in ENTITY_TYPES:
            raise bad("can't parse entities: unsupported type")
        start, span = entity["offset"], entity["length"]
        if start < 0 or span < 1 or start + span > length:
            raise bad("ENTITY_BOUNDS_INVALID")
        if not _on_characters(text, start, start + span):
            raise bad("can't parse entities: an offset within a character")
        if entity["type"] == "text_link" and "url" not in entity:
            raise bad("can't parse entities: no url")
    return text, entities


def _on_characters(text: str, *offsets: int) -> bool:
    units = text.encode("utf-16-le")
    return not any(offset * 2 < len(units) and 0xDC <= units[offset * 2 + 1] <= 0xDF for offset in offsets)


def _buttons(params: dict[str, Any]) -> list[dict[str, Any]]:
    rows = (params.get("reply_markup") or {}).get("inline_keyboard", [])
    buttons = [button for row in rows for button in row]
    if any(not 1 <= len(button["callback_data"].encode()) <= 64 for button in buttons):
        raise bad("BUTTON_DATA_INVALID")
    return buttons


def _params(request: Request) -> dict[str, Any]:
    kind = request.headers.get("content-type", "")
    params: dict[str, Any] = dict(request.query)
    try:
        if kind.startswith("application/json"):
            return params | request.json() if request.body else params
        if kind.startswith("application/x-www-form-urlencoded"):
            params |= parse_qsl(request.body.decode(), keep_blank_values=True)
        elif kind.startswith("multipart/form-data"):
            params |= _multipart(kind, request.body)
        for name in params.keys() & INT_FIELDS:
            params[name] = int(params[name])
        for name in params.keys() & JSON_FIELDS:
            params[name] = msgspec.json.decode(params[name])
    except (ValueError, msgspec.DecodeError):
        return {}
    return params


def _multipart(kind: str, body: bytes) -> dict[str, str]:
    mime: Mime = BytesParser(policy=HTTP).parsebytes(b"content-type: " + kind.encode() + b"\r\n\r\n" + body)
    return {
        str(part.get_param("name", header="content-disposition")): (
            part.get_payload(decode=True).decode()  # type: ignore[union-attr]
        )
        for part in mime.iter_parts()  # type: ignore[attr-defined]
    }


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
