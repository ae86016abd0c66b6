"""A fake of OpenAI's chat completions, streamed. `python -m tests.fakes.openai_server --help`.

fake = OpenAIFake()
url = await nursery.start(fake.serve)        # base_url of a client: f"{url}/v1"
fake.push(Item(text="hello"), Item(status=429, body=..., headers={"retry-after": "2"}))
"""

from __future__ import annotations

from typing import Any

from tests.fakes.http_server import Request
from tests.fakes.model_script import Call, Item, ModelFake, Refused, event, main


class OpenAIFake(ModelFake):
    """Speaks as api.openai.com does, and refuses what it refuses."""

    path = "/v1/chat/completions"

    def check(self, request: Request, body: dict[str, Any]) -> str:
        """The bearer key; every tool call must be followed by its result."""
        key = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        if not key:
            raise Refused(401, "You didn't provide an API key.")
        if not body.get("model") or not body.get("messages"):
            raise Refused(400, "Missing required parameter: 'messages'.")
        if not body.get("stream"):
            raise Refused(400, "this fake only streams")
        open_calls: set[str] = set()
        for message in body["messages"]:
            if message["role"] == "tool":
                if message["tool_call_id"] not in open_calls:
                    raise Refused(400, "messages with role 'tool' must be a response to 'tool_calls'")
                open_calls.remove(message["tool_call_id"])
                continue
            if open_calls:
                raise Refused(400, f"tool_call_ids did not have response messages: {sorted(open_calls)}")
            if message["role"] not in ("system", "user", "assistant"):
                raise Refused(400, f"Invalid value: '{message['role']}'.")
            open_calls = {call["id"] for call in message.get("tool_calls") or ()}
            if not isinstance(message.get("content"), str | list) and not open_calls:
                raise Refused(400, "Invalid value for 'content': expected a string, got null.")
        if open_calls:
            raise Refused(400, f"tool_call_ids did not have response messages: {sorted(open_calls)}")
        return key

    def refusal(self, error: Refused) -> Any:
        """OpenAI's error object."""
        code = "invalid_api_key" if error.status == 401 else None
        kind = "invalid_request_error"
        return {"error": {"message": str(error), "type": kind, "param": None, "code": code}}

    def said(self, body: dict[str, Any]) -> str:
        """The last paragraph of the user: one message may hold several that were sent on end."""
        last = next((m["content"] for m in reversed(body["messages"]) if m["role"] == "user"), "")
        if isinstance(last, list):
            last = last[-1]["text"]
        return last.rpartition("\n\n")[2]

    def head(self, body: dict[str, Any]) -> bytes:
        """The role."""
        return _chunk({"role": "assistant", "content": ""})

    def piece(self, text: str) -> bytes:
        """A piece of content."""
        return _chunk({"content": text})

    def call(self, position: int, call: Call, *, whole: bool) -> bytes:
        """Name first, then the arguments in two pieces (half of them, if not whole)."""
        half = len(call.arguments) // 2
        begin = {
            "index": position,
            "id": f"call_{len(self.calls)}_{position}",
            "type": "function",
            "function": {"name": call.name, "arguments": ""},
        }
        parts = [call.arguments[:half], call.arguments[half:]] if whole else [call.arguments[:half]]
        rest = [{"index": position, "function": {"arguments": part}} for part in parts]
        return b"".join(_chunk({"tool_calls": [delta]}) for delta in (begin, *rest))

    def end(self, item: Item) -> bytes:
        """The finish reason, the costs, [DONE]."""
        reason = item.finish or ("tool_calls" if item.calls else "stop")
        usage: dict[str, Any] = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
        if item.cached:
            usage["prompt_tokens_details"] = {"cached_tokens": item.cached, "audio_tokens": 0}
        return _chunk({}, reason) + event(_frame() | {"choices": [], "usage": usage}) + b"data: [DONE]\n\n"


def _frame() -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": "fake"}


def _chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return event(_frame() | {"choices": [choice], "usage": None})


if __name__ == "__main__":
    main(OpenAIFake)
