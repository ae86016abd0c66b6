"""I9 as one table: a secret planted in every form at every border is in no chat, no store and no log.

Who looks is no redactor: `readings` undoes what a reader would undo, and looks for the secret itself.
"""

from __future__ import annotations

import base64
import html
import inspect
import json
import re
from typing import Literal, get_args, get_origin, get_type_hints
from urllib.parse import quote, unquote

import msgspec
import pytest
import trio
from msgspec import Struct
from msgspec.structs import replace

from hermes_trio import Say, Silence
from hermes_trio.commands.new import command as new
from hermes_trio.config.options import Gateway
from hermes_trio.ports.store import Store
from hermes_trio.runtime.redacting_store import TEXTS
from hermes_trio.runtime.redaction import Redactor
from hermes_trio.testing import MemoryPlatform, open_world
from hermes_trio.values.delivery import Capabilities, Choice, Part, Span
from hermes_trio.values.identity import Address, ConversationKey, Lane, Policy, Secret
from hermes_trio.values.key_state import KeyCooldown
from hermes_trio.values.message import Message, Quoted, Undecodable
from hermes_trio.values.recording import AgentSetup, Failure, Setup, ToolSetup
from hermes_trio.values.reset_policy import ResetPolicy
from hermes_trio.values.stored import Reply, StepRow
from hermes_trio.values.transcript import Keepsake, ToolCall, ToolEntry

SECRET = "sk_live/4f9a+7b=c&1_Xy'Q2"
HALF = len(SECRET) // 2

FORMS = {
    "as it is": SECRET,
    "in a URL": quote(SECRET, safe=""),
    "in a URL, lower case": re.sub("%..", lambda found: found[0].lower(), quote(SECRET, safe="")),
    "in a URL, twice": quote(quote(SECRET, safe=""), safe=""),
    "in a URL, each letter": "".join(f"%{ord(char):02x}" for char in SECRET),
    "in JSON": json.dumps(SECRET),
    "in JSON of PHP": SECRET.replace("/", "\\/"),
    "in JSON of Go": SECRET.replace("&", "\\u0026"),
    "in JSON in JSON": json.dumps(json.dumps(SECRET.replace("/", "\\/"))),
    "in HTML": html.escape(SECRET),
    "in HTML by numbers": "".join(f"&#{ord(char)};" for char in SECRET),
    "in markdown": re.sub(r"([^A-Za-z0-9])", r"\\\1", SECRET),
    "with a bold middle": f"{SECRET[:HALF]}**{SECRET[HALF:]}**",
    "with nothing in between": f"{SECRET[:HALF]}\u200b{SECRET[HALF:]}",
    "with a soft hyphen": f"{SECRET[:HALF]}\u00ad{SECRET[HALF:]}",
    "over two lines": f"{SECRET[:HALF]}\n{SECRET[HALF:]}",
    "in a shell": "'" + SECRET.replace("'", "'\\''") + "'",
    "in a repr": repr(SECRET.encode()),
    "in base64": base64.b64encode(SECRET.encode()).decode(),
    "as Basic auth": "Basic " + base64.b64encode(f"ada:{SECRET}".encode()).decode(),
    "as Basic auth, shifted": "Basic " + base64.b64encode(f"eve1:{SECRET}".encode()).decode(),
    "in base64 of lines": base64.encodebytes(f"{'x' * 50}{SECRET}".encode()).decode(),
    "in base64 for URLs": base64.urlsafe_b64encode(f"a:{SECRET}\n".encode()).decode(),
    "in hex": SECRET.encode().hex(),
}


class Blabs:
    """/blab: says it."""

    names, help, role = ("blab",), "say it", "user"

    def __init__(self, form):
        self.form = form

    async def run(self, call):
        return Say(f"it is {self.form}.")


def agent_of(form):
    async def fetch():
        await trio.sleep(3)
        return {"found": form, form: 1}

    async def fail():
        raise ValueError(f"with {form} in it")

    async def agent(turn):
        match turn.text:
            case "ask":
                return await turn.ask(f"which, {form}?", choices=[f"use {form}", "none"], timeout_s=2)
            case "step":
                await turn.step(f"fetch {form}", fetch)
                return "done"
            case "raise in a step":
                await turn.step("fail", fail)
            case "raise":
                await fail()
            case "silence":
                return Silence(f"nothing of {form}")
            case "reset":
                await turn.reset(f"{form} is used up")
            case "stream":
                for n in range(0, len(form), 3):
                    turn.stream(form[n : n + 3])
                    await trio.sleep(1)
            case "say":
                await turn.say(f"it is {form}, I say")
            case "link":
                return f"[here](https://example.com/?q={quote(form)})"
            case "cut":
                # The end of a part falls into it.
                return "word " * 11 + form
        return f"it is {form} indeed"

    return agent


def refers_to(form):
    """What a message tells beside its text."""
    yield {"quoted": Quoted(text=f"was it {form}?", sender="Bob")}
    yield {"quoted": Quoted(text="hm", sender=form)}
    yield {"forwarded": f"the owner of {form}"}
    yield {"sender": f"not {form}", "private": False}


BORDERS = (
    "answer",
    "say",
    "ask",
    "step",
    "raise in a step",
    "raise",
    "silence",
    "reset",
    "stream",
    "link",
    "cut",
)


def readings(text):
    """What a reader could make of it."""
    bare = re.sub("[\u200b\u00ad*\\s]", "", text)
    yield from (text, bare, unquote(unquote(bare)), html.unescape(bare))
    for one in (bare, re.sub(r"\\+u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), bare)):
        yield from (one.replace("\\", ""), one.replace("'\\''", "'"))
    for word in re.findall(r"[A-Za-z0-9+/_-]{12,}", bare):
        for at in range(4):
            code = word[at:].replace("-", "+").replace("_", "/")
            yield base64.b64decode(code + "A" * (-len(code) % 4)).decode("latin-1")
    for word in re.findall("(?:[0-9a-f]{2}){8,}", bare):
        yield bytes.fromhex(word).decode("latin-1")


def holds(text):
    return any(SECRET in one for one in readings(text))


def stored(world):
    """Every column of every row, as text."""
    tables = [name for (name,) in world.db.execute("select name from sqlite_master where type = 'table'")]
    for table in tables:
        for row in world.db.execute(f"select * from {table}"):
            for value in row:
                if isinstance(value, bytes):
                    yield table, value.decode("utf-8", "replace")
                    yield table, repr(as_json(value))
                elif isinstance(value, str):
                    yield table, value


def as_json(value):
    try:
        return msgspec.json.decode(value)
    except ValueError:
        return None


def sent(world):
    """All that the chat was shown, part by part and one after the other."""
    parts = [call.delivery for call in world.platform.calls if call.delivery.part]
    for one in parts:
        yield from (one.part.text, *(span.value for span in one.part.spans), *(c.label for c in one.choices))
    yield "".join(one.part.text for one in parts)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
async def test_a_secret_in_this_form_reaches_no_chat_no_store_and_no_log(autojump_clock, form):
    assert holds(form)
    platform = MemoryPlatform(capabilities=Capabilities(text_max=64, can_edit=True, can_delete=True))
    options = Gateway(progress_every_s=1)
    redact = Redactor([Secret(SECRET)])
    commands = [Blabs(form), new]
    async with open_world(
        agent_of(form), redact=redact, platform=platform, commands=commands, options=options
    ) as world:
        for text in (*BORDERS, "/blab", f"I am told {form}"):
            await world.say("ada", text)
            await world.settle()
        for refers in refers_to(form):
            world.platform.push(replace(world.platform.message("ada", "answer"), **refers))
            await world.settle()
        assert len(world.platform.calls) > len(BORDERS)
        assert [text for text in sent(world) if holds(text)] == []
        assert [where for where in stored(world) if holds(where[1])] == []
        assert [line for line in str(world.log).splitlines() if holds(line)] == []


# Names and ids, by which rows are found again; words of closed sets; what no foreign text gets into.
NO_FREE_TEXT = {
    Address: ("platform", "account", "chat", "thread", "user"),
    ConversationKey: ("platform", "account", "chat", "thread", "user"),
    Lane: ("platform", "account", "chat", "thread"),
    Message: ("native", "message_id", "replies_to", "album", "choice"),
    Quoted: ("user",),
    Undecodable: ("native",),
    Reply: ("anchor",),
    Choice: ("token",),
    StepRow: ("name", "digest", "op"),
    ToolCall: ("id",),
    ToolEntry: ("call",),
    Keepsake: ("of",),
    Failure: ("type", "kind"),
    KeyCooldown: ("fingerprint", "model", "pool", "place"),
    ResetPolicy: ("daily_at",),
    Policy: ("allow_users", "admins"),
    Setup: ("gateway", "session", "accounts"),
    AgentSetup: ("name",),
    ToolSetup: ("name", "description", "parameters"),
    # `redacted_parts` looks at these: a secret may be cut in two by a part's end.
    Part: ("text",),
    Span: ("value",),
}


def given_to_a_store():
    """Each type whose values a store is given, with the fields that hold text."""
    found, looked_at = {}, set()

    def look(kind):
        if kind in looked_at:
            return
        looked_at.add(kind)
        if isinstance(kind, type) and issubclass(kind, Struct):
            fields = get_type_hints(kind)
            found[kind] = tuple(name for name, one in fields.items() if has_text(one))
            for one in fields.values():
                look(one)
        for one in () if get_origin(kind) is Literal else get_args(kind):
            look(one)

    for _, promise in inspect.getmembers(Store, inspect.isfunction):
        for name, kind in get_type_hints(promise).items():
            if name != "return":
                look(kind)

    return found


def has_text(kind):
    inner = () if get_origin(kind) is Literal else get_args(kind)
    return kind in (str, bytes) or any(has_text(one) for one in inner)


def test_each_text_that_a_store_is_given_is_looked_at_or_is_no_free_text():
    found = given_to_a_store()
    assert len(found) > 30
    for kind, fields in found.items():
        left = set(fields) - set(TEXTS.get(kind, ()))
        assert left == set(NO_FREE_TEXT.get(kind, ())), kind


async def test_what_is_no_secret_is_left_as_it_is(autojump_clock):
    async with open_world(agent_of("*a* `b` 50% c\\d &amp; e"), redact=Redactor([Secret(SECRET)])) as world:
        await world.say("ada", "answer")
        assert await world.reply("ada") == "it is a b 50% c\\d & e indeed"
