"""The providers' fakes with the demands that some real endpoints have, which can be switched on."""

from __future__ import annotations

import re
from typing import Any

from tests.fakes.anthropic_server import AnthropicFake
from tests.fakes.http_server import Request
from tests.fakes.model_script import Refused, event
from tests.fakes.openai_server import OpenAIFake

SIGNED = "c2lnbmVkLCBzZWFsZWQ="
ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class Particular:
    """What is switched on.

    Attributes:
        signs: an answer comes with a signed thought; one with calls is taken back with it only.
        strict: roles alternate, the user begins, after a tool comes the assistant, and ids are plain.
        thinks: an answer comes with such a thought, and is taken back in any way.
        pauses: an answer paused: a conversation is gone on with only if its last word is that answer.
        lacks: a case of `tests/models/quirk_cases.py`: what is refused of a request.
    """

    signs = False
    strict = False
    thinks = False
    pauses = False
    lacks = None

    def look(self, body: dict[str, Any]) -> None:
        """Refuse what is not taken."""
        if self.lacks is not None and self.lacks.wrong(body):
            raise Refused(self.lacks.status, self.lacks.said)


class ParticularOpenAI(Particular, OpenAIFake):
    """DeepSeek's demand, Mistral's order, Databricks' lack."""

    def head(self, body: dict[str, Any]) -> bytes:
        """With a thought."""
        if not (self.signs or self.thinks):
            return super().head(body)
        delta = {"role": "assistant", "content": "", "reasoning_content": SIGNED}
        return event({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})

    def check(self, request: Request, body: dict[str, Any]) -> str:
        """See Particular."""
        key = super().check(request, body)
        self.look(body)
        if self.signs and any(m.get("reasoning_content") != SIGNED for m in _calling(body)):
            raise Refused(400, "what was thought must be passed back")
        if self.strict:
            roles = "".join(m["role"][0] for m in body["messages"] if m["role"] != "system")
            if not re.fullmatch("(ua(t+a)*)*(u|ua(t+a)*t+)", roles):
                raise Refused(400, f"no such order: {roles}")
            _check_ids([call["id"] for message in _calling(body) for call in message["tool_calls"]])
        return key


class ParticularAnthropic(Particular, AnthropicFake):
    """Anthropic's own demands, and the lack of those who speak its protocol."""

    def head(self, body: dict[str, Any]) -> bytes:
        """With a thought."""
        if not (self.signs or self.thinks):
            return super().head(body)
        block = {"type": "thinking", "thinking": "hm", "signature": SIGNED}
        start = {"type": "content_block_start", "index": 90, "content_block": block}
        stop = {"type": "content_block_stop", "index": 90}
        return super().head(body) + event(start, start["type"]) + event(stop, stop["type"])

    def check(self, request: Request, body: dict[str, Any]) -> str:
        """See Particular."""
        key = super().check(request, body)
        self.look(body)
        uses = [
            (block["id"], message["content"][0])
            for message in body["messages"]
            if isinstance(message["content"], list)
            for block in message["content"]
            if block["type"] == "tool_use"
        ]
        if self.signs and any(first.get("signature") != SIGNED for _, first in uses):
            raise Refused(400, "what was thought must be passed back")
        if self.strict:
            _check_ids([id for id, _ in uses])
        last = body["messages"][-1]
        if self.pauses and len(body["messages"]) > 1 and not _is_paused(last):
            raise Refused(400, f"not what paused: {last}")
        return key


def _is_paused(message: dict[str, Any]) -> bool:
    kinds = [block["type"] for block in message["content"]]
    return message["role"] == "assistant" and kinds[-1:] == ["server_tool_use"]


def _calling(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [message for message in body["messages"] if message.get("tool_calls")]


def _check_ids(ids: list[str]) -> None:
    if len(set(ids)) < len(ids) or not all(map(ID.fullmatch, ids)):
        raise Refused(400, f"no such ids: {ids}")
