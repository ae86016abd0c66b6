"""What a bot's chats hold: what people wrote and pressed, what the bot showed, and what changes it."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tests.fakes.botapi_params import Refusal, addressees, bad, buttons_of, checked_text

BOT_ID = 123456789
MENU_MAX = 7_800  # bytes, as has been measured


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


class BotChats:
    """One bot and its chats, behind the server.

    Attributes:
        pending: updates that nobody has confirmed, with their numbers.
        methods: the methods of the Bot API that concern chats, by name in lower case.
    """

    def __init__(self, username: str) -> None:
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
        self.pending: deque[tuple[int, bytes]] = deque()
        self.pressed: list[str] = []
        self.reactions: dict[tuple[int, int], list[Any]] = {}
        self.commands: list[dict[str, str]] = []
        self.topics: dict[tuple[int, int], str] = {}
        self.direct: set[int] = set()
        """Chats of direct messages to a channel: each send names whose they are, and nobody types there."""
        self.migrated: dict[int, int] = {}
        self.anonymous: set[tuple[int, int]] = set()
        self._shown: dict[int, dict[int, Shown]] = {}
        self._chats: dict[int, dict[str, Any]] = {}
        self._messages: dict[tuple[int, int], dict[str, Any]] = {}
        self._history: dict[tuple[int, int], bytes] = {}
        self._next_update = 1000
        self._next_message = 1
        self.methods: dict[str, Callable[[dict[str, Any]], Any]] = {
            "getme": lambda params: self.me,
            "sendmessage": self._send_message,
            "editmessagetext": self._edit_message_text,
            "deletemessage": self._delete_message,
            "sendchataction": self._send_chat_action,
            "setmessagereaction": self._set_message_reaction,
            "setmycommands": self._set_my_commands,
            "answercallbackquery": self._answer_callback_query,
            "getchatmember": self._get_chat_member,
        }

    def _wake_pollers(self) -> None:
        """There is an update: the server's business."""

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

    def migrate(self, chat: int, becomes: int) -> None:
        """A group becomes a supergroup: another chat, in which no message of before has its id."""
        self.migrated[chat] = becomes
        old, new = self._user_message(chat, None, None), self._user_message(becomes, None, None)
        self.push_update({"message": old | {"migrate_to_chat_id": becomes}})
        self.push_update({"message": new | {"migrate_from_chat_id": chat}})

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

    def press(
        self, chat: int, message_id: int, data: str = "", *, label: str = "", user: int | None = None
    ) -> str:
        """A user presses a button below a message of the bot; returns the callback query's id.

        Args:
            data: what the button carries; where there is none, that of the one with this `label`.
        """
        shown = self._shown[chat][message_id]
        if label:
            [data] = [each["callback_data"] for each in shown.buttons if each["text"] == label]
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

    def _queue(self, update: dict[str, Any]) -> tuple[int, bytes]:
        self._next_update += 1
        raw = msgspec.json.encode({"update_id": self._next_update} | update)
        self.pending.append((self._next_update, raw))
        return self._next_update, raw

    # --- what a test sees -------------------------------------------------------------------------

    def sent(self, chat: int, *, deleted: bool = False) -> list[Shown]:
        """The bot's messages in a chat as they look now, in order."""
        return [shown for shown in self._shown.get(chat, {}).values() if deleted or not shown.deleted]

    def texts(self, chat: int) -> list[str]:
        """The texts the chat shows of the bot."""
        return [shown.text for shown in self.sent(chat)]

    # --- methods of the Bot API -------------------------------------------------------------------

    def _send_message(self, params: dict[str, Any]) -> dict[str, Any]:
        chat = self._known_chat(params)
        thread = self._known_thread(params)
        text, entities = checked_text(params)
        reply_to = self._anchor(chat, params)
        self._next_message += 1
        shown = Shown(
            chat, self._next_message, thread, text, entities, buttons_of(params), reply_to, time.time()
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
        # "Always False for replies in another chat or forum topic."
        if not reply.get("allow_sending_without_reply") or params.get("message_thread_id"):
            raise bad("message to be replied not found")
        return None

    def _edit_message_text(self, params: dict[str, Any]) -> dict[str, Any]:
        shown = self._bots_own(params, "edit")
        text, entities = checked_text(params)
        buttons = buttons_of(params)
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
        if self._known_chat(params) in self.direct:
            raise bad("method is not available for channel direct messages chats")
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
        if len(msgspec.json.encode(params["commands"])) > MENU_MAX or len(params["commands"]) > 100:
            raise bad("BOT_COMMANDS_TOO_MUCH")
        self.commands = params["commands"]
        return True

    def _get_chat_member(self, params: dict[str, Any]) -> dict[str, Any]:
        chat, user = self._known_chat(params), params["user_id"]
        member = {"user": self._user(user), "status": "member"}
        if (chat, user) in self.anonymous:
            rights = (
                "can_be_edited can_manage_chat can_delete_messages can_manage_video_chats"
                " can_restrict_members can_promote_members can_change_info can_invite_users can_post_stories"
                " can_edit_stories can_delete_stories"
            )
            return (
                member
                | {"status": "administrator", "is_anonymous": True}
                | dict.fromkeys(rights.split(), False)
            )
        return member

    def _answer_callback_query(self, params: dict[str, Any]) -> bool:
        self.pressed.append(params["callback_query_id"])
        return True

    # --- values -----------------------------------------------------------------------------------

    def _known_chat(self, params: dict[str, Any]) -> int:
        chat = params.get("chat_id")
        if chat not in self._chats:
            raise bad("chat not found")
        if chat in self.migrated:
            said = "Bad Request: group chat was upgraded to a supergroup chat"
            raise Refusal(400, said, migrate_to_chat_id=self.migrated[chat])
        return chat

    def _known_thread(self, params: dict[str, Any]) -> int | None:
        thread = params.get("message_thread_id")
        if params["chat_id"] in self.direct:
            if thread is not None or "direct_messages_topic_id" not in params:
                raise bad("DIRECT_MESSAGES_TOPIC_REQUIRED")
            thread = params["direct_messages_topic_id"]
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
            if entities := addressees(text):
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
