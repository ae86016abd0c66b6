"""A fake of Anthropic's Messages API, streamed. `python -m tests.fakes.anthropic_server --help`."""

from __future__ import annotations

from typing import Any

from tests.fakes.http_server import Request
from tests.fakes.model_script import Call, Item, ModelFake, Refused, event, main


class AnthropicFake(ModelFake):
    """Speaks as api.anthropic.com does, and refuses what it refuses."""

    path = "/v1/messages"
    _texts_before_calls = 1
    _cache: dict[str, int] = {}  # noqa: RUF012 - replaced, never changed

    def check(self, request: Request, body: dict[str, Any]) -> str:
        """The key; roles alternate, every tool_use is answered at once, no text is blank."""
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        key = request.headers.get("x-api-key", "") or bearer
        if not key:
            raise Refused(401, "x-api-key header is required")
        if request.headers.get("anthropic-version") not in ("2023-06-01", "2026-10-21"):
            raise Refused(400, "anthropic-version: header is required")
        if removed := {"temperature", "top_p", "top_k"} & set(body):
            raise Refused(400, f"no such parameters in this version: {removed}")
        for name in ("model", "messages", "max_tokens"):
            if not body.get(name):
                raise Refused(400, f"{name}: Field required")
        if not body.get("stream"):
            raise Refused(400, "this fake only streams")
        _check_marks(body)
        role, uses = "assistant", set[str]()
        for number, message in enumerate(body["messages"]):
            if message["role"] == role:
                raise Refused(400, f"messages.{number}: roles must alternate")
            role = message["role"]
            uses = _check_content(number, _blocks(message), uses)
            _check_own_tools(number, _blocks(message), last=number + 1 == len(body["messages"]))
        if uses:
            raise Refused(400, f"`tool_use` ids were found without `tool_result`: {sorted(uses)}")
        return key

    def refusal(self, error: Refused) -> Any:
        """Anthropic's error object."""
        kind = "authentication_error" if error.status == 401 else "invalid_request_error"
        return {"type": "error", "error": {"type": kind, "message": str(error)}}

    def said(self, body: dict[str, Any]) -> str:
        """The last user text."""
        texts = [
            block["text"]
            for message in body["messages"]
            if message["role"] == "user"
            for block in _blocks(message)
            if block["type"] == "text"
        ]
        return texts[-1] if texts else ""

    def head(self, body: dict[str, Any]) -> bytes:
        """message_start, and a ping."""
        message = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "content": [],
            "model": body["model"],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 7, "output_tokens": 1} | self._cache,
        }
        start = event({"type": "message_start", "message": message}, "message_start")
        return start + event({"type": "ping"}, "ping")

    def piece(self, text: str) -> bytes:
        """A delta of the text block."""
        return _delta(0, {"type": "text_delta", "text": text})

    def call(self, position: int, call: Call, *, whole: bool) -> bytes:
        """A tool_use block, its input in two pieces (half of it, if not whole)."""
        half = len(call.arguments) // 2
        index = position + self._texts_before_calls
        block = {
            "type": "tool_use",
            "id": f"toolu_{len(self.calls)}_{position}",
            "name": call.name,
            "input": {},
        }
        begin = _start(index, block)
        parts = [call.arguments[:half], call.arguments[half:]] if whole else [call.arguments[:half]]
        deltas = [_delta(index, {"type": "input_json_delta", "partial_json": part}) for part in parts]
        return begin + b"".join(deltas) + (_stop(index) if whole else b"")

    def end(self, item: Item) -> bytes:
        """message_delta with the stop reason, message_stop."""
        reason = item.finish or ("tool_use" if item.calls else "end_turn")
        delta = {
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": None},
            "usage": {"output_tokens": 5},
        }
        return event(delta, "message_delta") + event({"type": "message_stop"}, "message_stop")

    def _steps(self, item: Item, called: Any) -> list[bytes]:
        self._texts_before_calls = 1 if item.text or item.pieces or item.echo else 0
        kept = {"cache_read_input_tokens": item.cached, "cache_creation_input_tokens": item.kept}
        self._cache = kept | {"input_tokens": 7 - item.cached - item.kept} if item.cached or item.kept else {}
        head, *rest = super()._steps(item, called)
        texts = len(rest) - len(item.calls) - (1 if item.end and not item.cut else 0)
        if texts:
            rest[0] = _start(0, {"type": "text", "text": ""}) + rest[0]
            rest[texts - 1] += _stop(0) if len(rest) > texts else b""
        return [head, *rest]


def _blocks(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _check_marks(body: dict[str, Any]) -> None:
    """What the cache keeps is marked at four blocks at most, which are not blank."""
    system = body.get("system") or []
    blocks = [*body.get("tools", ()), *(system if isinstance(system, list) else ())]
    blocks += [block for message in body["messages"] for block in _blocks(message)]
    marked = [block for block in blocks if "cache_control" in block]
    if len(marked) > 4:
        raise Refused(400, f"A maximum of 4 blocks with cache_control may be provided. Found {len(marked)}.")
    for block in marked:
        if block["cache_control"] != {"type": "ephemeral"}:
            raise Refused(400, f"cache_control: not known: {block['cache_control']}")


def _check_content(number: int, blocks: list[dict[str, Any]], uses: set[str]) -> set[str]:
    results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
    if set(results) != uses or len(results) != len(uses):
        raise Refused(400, f"messages.{number}: each `tool_use` must have one `tool_result`: {sorted(uses)}")
    if any(block["type"] != "tool_result" for block in blocks[: len(results)]):
        raise Refused(400, f"messages.{number}: `tool_result` blocks must come first")
    if not blocks or any(block["type"] == "text" and not block["text"].strip() for block in blocks):
        raise Refused(400, f"messages.{number}: text content blocks must contain non-whitespace text")
    return {block["id"] for block in blocks if block["type"] == "tool_use"}


def _check_own_tools(number: int, blocks: list[dict[str, Any]], *, last: bool) -> None:
    """A call of a tool of the service has its result, but for one that is to be gone on with."""
    asked = [block["id"] for block in blocks if block["type"] == "server_tool_use"]
    found = [block["tool_use_id"] for block in blocks if block["type"] == "web_search_tool_result"]
    if len(set(asked)) != len(asked) or not set(found) <= set(asked):
        raise Refused(400, f"messages.{number}: results of no call: {found}, called: {asked}")
    if set(asked) != set(found) and not last:
        raise Refused(400, f"messages.{number}: `web_search` tool use without a result: {asked}")


def _start(index: int, block: dict[str, Any]) -> bytes:
    data = {"type": "content_block_start", "index": index, "content_block": block}
    return event(data, "content_block_start")


def _delta(index: int, delta: dict[str, Any]) -> bytes:
    return event({"type": "content_block_delta", "index": index, "delta": delta}, "content_block_delta")


def _stop(index: int) -> bytes:
    return event({"type": "content_block_stop", "index": index}, "content_block_stop")


if __name__ == "__main__":
    main(AnthropicFake)
