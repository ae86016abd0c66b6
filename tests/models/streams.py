# ruff: noqa: E501 -- a table reads better in rows
"""What providers really stream, as bytes: one row a spelling, for `test_streams.py`."""

from __future__ import annotations

import json
from typing import Any, NamedTuple


class Row(NamedTuple):
    """A stream and what it says.

    Args:
        name: who streams so.
        body: the bytes.
        text, finish: of the answer; or of a failure its kind, in `finish`, and no text.
        calls: (name, arguments) of each.
        label: the content type.
    """

    name: str
    body: bytes
    text: str | None
    finish: str
    calls: tuple[tuple[str, str], ...] = ()
    label: str = "text/event-stream"


def data(value: object, end: str = "\n\n") -> bytes:
    """An event."""
    return f"data: {value if isinstance(value, str) else json.dumps(value)}{end}".encode()


def chunk(delta: Any = None, finish: object = None, **more: Any) -> bytes:
    """A piece of OpenAI's kind."""
    return data({"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more})


def said(text: object) -> bytes:
    """A piece of text."""
    return chunk({"content": text})


def call(index: object, id: str | None, name: str | None, arguments: Any, **more: Any) -> bytes:
    """A piece of a call."""
    function = {"name": name, "arguments": arguments}
    return chunk({"tool_calls": [{"index": index, "id": id, "function": function, **more}]})


def event(kind: str, **more: Any) -> bytes:
    """An event of Anthropic's."""
    return f"event: {kind}\n".encode() + data({"type": kind, **more})


DONE = data("[DONE]")
STOP = chunk({}, "stop") + DONE
CALLED = chunk({}, "tool_calls") + DONE
START = event("message_start", message={"usage": {"input_tokens": 1, "output_tokens": 1}})
S1 = '{"s":1}'
SLEEP = (("sleep", S1),)


def end(reason: str) -> bytes:
    """The end of an answer of Anthropic's."""
    return event("message_delta", delta={"stop_reason": reason}, usage={"output_tokens": 3}) + event(
        "message_stop"
    )


def block(index: int, begin: dict[str, Any], *deltas: dict[str, Any]) -> bytes:
    """A block of it."""
    middle = b"".join(event("content_block_delta", index=index, delta=delta) for delta in deltas)
    return (
        event("content_block_start", index=index, content_block=begin)
        + middle
        + event("content_block_stop", index=index)
    )


def searched(index: int) -> bytes:
    """A call that Anthropic's servers make themselves, and what it gave."""
    call = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
    asked = {"type": "input_json_delta", "partial_json": '{"query": "tea"}'}
    found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
    return block(index, call, asked) + block(index + 1, found)


def words(text: str) -> bytes:
    """A block of text."""
    return block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": text})


OPENAI = [
    # types
    Row("workers ai: a number for text", said("It costs $0.") + said(6) + said(" per call") + STOP, "It costs $0.6 per call", "stop"),
    Row("magistral: a list of parts, thinking among them", said([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]) + said([{"type": "text", "text": "Hello"}]) + STOP, "Hello", "stop"),
    Row("a text as an object", said({"text": "Hello"}) + STOP, "Hello", "stop"),
    Row("costs as text, an odd id, no lists", data({"id": 7, "choices": {"index": "0", "delta": {"content": "Hello", "tool_calls": None}, "finish_reason": "stop"}, "usage": {"prompt_tokens": "12", "completion_tokens": 3.0}}) + DONE, "Hello", "stop"),
    Row("tool_calls is null, and a list of null", said("Hello") + chunk({"tool_calls": None}) + chunk({"tool_calls": [None]}) + STOP, "Hello", "stop"),
    Row("something odd after the end", said("Hello") + chunk({}, "stop") + data({"choices": 5, "usage": "none"}) + data("oops"), "Hello", "stop"),
    Row("a reason that is no text", said("Hello") + chunk({}, {"type": "stop"}) + DONE, "Hello", "stop"),
    Row("arguments as an object", call(0, "a", "sleep", {"s": 1}) + CALLED, "", "tool_calls", SLEEP),
    Row("an index as text", call("0", "a", "sleep", '{"s"') + call("0", None, None, ":1}") + CALLED, "", "tool_calls", SLEEP),
    # calls
    Row("localai: one call at two indexes", call(0, "a", "sleep", S1) + call(1, "a", "sleep", S1) + CALLED, "", "tool_calls", SLEEP),
    Row("one call announced at one index, made at another", call(0, "a", "sleep", "") + call(1, "a", "sleep", S1) + CALLED, "", "tool_calls", SLEEP),
    Row("a new id in each piece", call(0, "a", "sleep", "") + call(0, "b", None, '{"s"') + call(0, "c", None, ":1}") + CALLED, "", "tool_calls", SLEEP),
    Row("a new id and the name in each piece", call(0, "a", "sleep", '{"s"') + call(0, "b", "sleep", ":1}") + CALLED, "", "tool_calls", SLEEP),
    Row("the name in each piece", call(0, "a", "sleep", '{"s"') + call(0, "a", "sleep", ":1}") + CALLED, "", "tool_calls", SLEEP),
    Row("gemini: two calls at index 0", call(0, "a", "sleep", S1) + call(0, "b", "now", "{}") + CALLED, "", "tool_calls", (*SLEEP, ("now", "{}"))),
    Row("two calls at index 0 without ids", call(0, None, "sleep", S1) + call(0, None, "now", "{}") + CALLED, "", "tool_calls", (*SLEEP, ("now", "{}"))),
    Row("two calls without index and id", call(None, None, "sleep", S1) + call(None, "", "now", "{}") + CALLED, "", "tool_calls", (*SLEEP, ("now", "{}"))),
    Row("two calls with one id", call(0, "x", "sleep", S1) + call(1, "x", "sleep", '{"s":2}') + CALLED, "", "tool_calls", (*SLEEP, ("sleep", '{"s":2}'))),
    Row("a whole call once more at its end", call(0, "a", "sleep", '{"s"') + call(0, None, None, ":1}") + call(0, "a", "sleep", S1) + CALLED, "", "tool_calls", SLEEP),
    Row("a whole call once more, without its name", call(0, "a", "sleep", '{"s"') + call(0, None, None, ":1}") + call(0, "a", None, S1) + CALLED, "", "tool_calls", SLEEP),
    Row("an empty object before the arguments", call(0, "a", "sleep", "{}") + call(0, None, None, S1) + CALLED, "", "tool_calls", SLEEP),
    Row("arguments as text in text", call(0, "a", "sleep", json.dumps(S1)) + CALLED, "", "tool_calls", SLEEP),
    Row("no arguments, said to be empty", call(0, "a", "now", "") + CALLED, "", "tool_calls", (("now", "{}"),)),
    Row("no arguments, of which nothing is said", call(0, "a", "now", None) + CALLED, "", "tool_calls", (("now", ""),)),
    Row("calls under the name of a stop", call(0, "a", "sleep", S1) + STOP, "", "tool_calls", SLEEP),
    Row("a function_call of old", chunk({"function_call": {"name": "sleep", "arguments": '{"s"'}}) + chunk({"function_call": {"arguments": ":1}"}}) + chunk({}, "function_call") + DONE, "", "tool_calls", SLEEP),
    Row("ollama: a second call begun at index 0, gone on with at 1", call(0, "a", "sleep", S1) + call(0, "b", "now", '{"zone"') + call(1, None, None, ':"x"}') + CALLED, "", "tool_calls", (*SLEEP, ("now", '{"zone":"x"}'))),
    Row("ollama: each call at index 0", call(0, "a", "sleep", S1) + call(0, "b", "sleep", '{"s":2}') + CALLED, "", "tool_calls", (*SLEEP, ("sleep", '{"s":2}'))),
    Row("sglang: arguments before the name, without index", call(None, "a", None, '{"s"') + call(None, "a", None, ":1}") + call(None, "a", "sleep", None) + CALLED, "", "tool_calls", SLEEP),
    Row("a name and an id that are null later", call(0, "a", "sleep", "") + call(0, None, None, S1) + call(0, "", "", "") + CALLED, "", "tool_calls", SLEEP),
    Row("two calls that alternate", call(0, "a", "sleep", '{"s"') + call(1, "b", "now", "{") + call(0, None, None, ":1}") + call(1, None, None, "}") + CALLED, "", "tool_calls", (*SLEEP, ("now", "{}"))),
    Row("the name after the arguments (vercel/ai#14722)", call(0, "a", None, '{"s"') + call(0, None, "sleep", ":1}") + CALLED, "", "tool_calls", SLEEP),
    Row("an empty name before it (vercel/ai#16507)", call(0, "a", "", '{"s"') + call(0, None, "sleep", ":1}") + CALLED, "", "tool_calls", SLEEP),
    Row("firefunction: no arguments with the name (BerriAI/litellm#4440)", call(0, "a", "sleep", None) + call(0, None, None, S1) + CALLED, "", "tool_calls", SLEEP),
    Row("whole arguments three times (NousResearch/hermes-agent#6841)", call(0, "a", "sleep", S1) + call(0, None, None, S1) + call(0, None, None, S1) + CALLED, "", "tool_calls", SLEEP),
    Row("calls under another end (BerriAI/litellm#12481)", call(0, "a", "sleep", S1) + chunk({}, "end_turn") + DONE, "", "tool_calls", SLEEP),
    # ends
    Row("no reason before [DONE]", said("Hello") + DONE, "Hello", "stop"),
    Row("no reason before [DONE], of a call", call(0, "a", "sleep", S1) + DONE, "", "tool_calls", SLEEP),
    Row("neither reason nor [DONE]", said("Hello"), "Hello", "partial"),
    Row("no blank line behind the last event", said("Hello") + chunk({}, "stop").rstrip() + b"\n", "Hello", "stop"),
    Row("no line end behind the only event", chunk({"content": "Hello"}, "stop").rstrip(), "Hello", "stop"),
    Row("cut off amid its last event", said("Hello") + chunk({}, "stop")[:-20], "Hello", "partial"),
    Row("lines that end in all ways", (said("Hello") + STOP).replace(b"\n\n", b"\r\n\n"), "Hello", "stop"),
    Row("openrouter: error", said("Half") + chunk({}, "error") + DONE, None, "transport"),
    Row("deepseek: out of resources", said("Half") + chunk({}, "insufficient_system_resource") + DONE, None, "transport"),
    Row("gemini: a call that is none", chunk({}, "function_call_filter: MALFORMED_FUNCTION_CALL") + DONE, None, "transport"),
    Row("filtered after some text", said("Half") + chunk({}, "content_filter") + DONE, "Half", "partial"),
    Row("filtered before any", chunk({}, "content_filter") + DONE, None, "malformed"),
    Row("mistral: at its limit", said("Half") + chunk({}, "model_length") + DONE, "Half", "length"),
    Row("cut amid a call", said("I do it.") + call(0, "a", "sleep", '{"s') + chunk({}, "length") + DONE, "I do it.", "unfinished"),
    Row("some reason of its own", said("Hello") + chunk({}, "eos_token") + DONE, "Hello", "stop"),
    Row("a gateway that never gives a reason, with costs in each piece", data({"choices": [{"delta": {"content": "Hel"}}], "usage": {"total_tokens": 3}}) + data({"choices": [{"delta": {"content": "lo"}}], "usage": {"total_tokens": 4}}) + DONE, "Hello", "stop"),
    Row("choices that are null, a delta that is", data({"choices": None}) + data({"choices": [{"delta": None}]}) + said("Hello") + data({"choices": []}) + STOP, "Hello", "stop"),
    Row("litellm: an event of another API at its end", said("Hello") + chunk({}, "stop") + data({"type": "response.completed", "response": {}}) + DONE, "Hello", "stop"),
    Row("a reason in each piece, of a choice 1 (BerriAI/litellm#376)", data({"choices": [{"index": 1, "delta": {"content": "Hel"}, "finish_reason": "stop"}]}) + data({"choices": [{"index": 1, "delta": {"content": "lo"}, "finish_reason": "stop"}]}) + DONE, "Hello", "stop"),
    Row("never a reason (alfredapp/openai-workflow#52)", data({"created": 1, "version": "2", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hello"}}], "search_info": {"mindmap": {}}, "usage": {"prompt_tokens": 1}}) + DONE, "Hello", "stop"),
    # events
    Row("a keep-alive as data (mnfst/llm-gateway#2053)", data(": OPENROUTER PROCESSING") + said("Hello") + STOP, "Hello", "stop"),
    Row("data of nothing, of null, of a word", b"data:\n\n" + data("null") + said("Hel") + data("ping") + said("lo") + STOP, "Hello", "stop"),
    Row("a piece that is broken", said("Hel") + b'data: {"choices": [\n\n' + said("lo") + STOP, None, "transport"),
    Row("no blank behind the colon (openai/openai-python#498)", (said("Hello") + STOP).replace(b"data: ", b"data:"), "Hello", "stop"),
    Row("mistral: padding, and a list (NousResearch/hermes-agent#106006)", data({"p": "abcdefgh", "choices": [{"index": 0, "delta": {"content": [{"type": "text", "text": "Hello"}]}}]}) + STOP, "Hello", "stop"),
    # refusals amid it
    Row("openrouter: no choices, an error of its provider", data({"object": "chat.completion.chunk", "choices": [], "error": {"code": 502, "message": "Worker local total request limit reached (33/32)", "metadata": {"provider_name": "x"}}}), None, "overload"),
    Row("lm studio: an error as an object with a message", data({"error": {"message": "The model has crashed without additional information."}}), None, "unknown"),
    Row("openrouter: an error in a choice", data({"choices": [{"delta": {"content": ""}, "finish_reason": "error", "error": {"code": 429, "message": "slow down"}}]}), None, "rate_limit"),
    Row("an error beside choices", said("Half") + data({"choices": [], "error": {"code": 502, "message": "boom"}}), None, "overload"),
    Row("an error as text", data({"error": "context length exceeded"}), None, "context"),
    Row("vllm: a flat error", data({"object": "error", "message": "This model's maximum context length is 4096 tokens.", "code": 400}), None, "context"),
    Row("an event called error", b"event: error\n" + data({"code": "rate_limit_exceeded", "message": "slow down"}), None, "rate_limit"),
    Row("a code and a message", data({"code": 503, "message": "busy"}), None, "overload"),
    Row("minimax: base_resp", data({"choices": None, "base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}), None, "quota"),
    Row("minimax: base_resp that is none", data({"choices": None, "base_resp": {"status_code": 0, "status_msg": "success"}}) + said("Hello") + STOP, "Hello", "stop"),
    Row("azure: filters before the first piece", data({"choices": [], "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}]}) + said("Hello") + STOP, "Hello", "stop"),
    # what is no stream, or not called one
    Row("an answer at once", json.dumps({"id": "x", "choices": [{"message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}]}).encode(), "Hello", "stop", label="application/json"),
    Row("an answer at once, indented, called a stream", b"\n" + json.dumps({"choices": [{"message": {"content": "Hello"}}]}, indent=1).encode() + b"\n", "Hello", "stop"),
    Row("calls at once", json.dumps({"choices": [{"message": {"content": None, "tool_calls": [{"id": "a", "function": {"name": "sleep", "arguments": S1}}]}, "finish_reason": "tool_calls"}]}).encode(), "", "tool_calls", SLEEP, "application/json"),
    Row("an error at once", json.dumps({"error": {"message": "Rate limit exceeded", "code": 429}}).encode(), None, "rate_limit", label="application/json"),
    Row("google: an error in a list at once", json.dumps([{"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}]).encode(), None, "overload", label="application/json"),
    Row("a web page", b"<!doctype html><title>Router</title>", None, "unknown", label="text/html"),
    Row("ollama: a text", b"Ollama is running", None, "unknown", label="text/plain"),
    Row("a text in lines", b"It works!\n\nThis is the default\n\n", None, "unknown", label="text/plain"),
    Row("a rate limit as text", b"Too Many Requests", None, "rate_limit", label="text/plain"),
    Row("keep-alives alone", b": keep-alive\n\n: keep-alive\n\n", "", "partial"),
    Row("a text before the events", b"OK\n\n" + said("Hello") + STOP, "Hello", "stop"),
    Row("a stream that is called JSON", said("Hello") + STOP, "Hello", "stop", label="application/json"),
    Row("a stream that is called text", b": hi\n\n" + said("Hello") + STOP, "Hello", "stop", label="text/plain; charset=utf-8"),
    Row("nothing at all", b"", "", "partial"),
    # thinking
    Row("thinking in the text", said("<think>\nA secret") + said(" plan.\n</thi") + said("nk>\n\nHello!") + STOP, "Hello!", "stop"),
    Row("its mark in crumbs", said("<") + said("thi") + said("nk>plan</think>") + said("Hello!") + STOP, "Hello!", "stop"),
    Row("thinking without end", said("<think>plan plan") + chunk({}, "length") + DONE, "", "unfinished"),
    Row("a beginning that only looks so", said("<") + said("thin") + said("gs> are here") + STOP, "<things> are here", "stop"),
    Row("all there is looks so", said("<thi") + STOP, "<thi", "stop"),
    Row("kimi's marks", said("◁think▷plan◁/think▷Hello!") + STOP, "Hello!", "stop"),
    Row("without its first mark", said("Okay, the user wants\n\n</think>\n\nHello!") + STOP, "Hello!", "stop"),
    Row("sglang: without its first mark, on one line", said("Let me see. Write it.</think>Hello!") + STOP, "Hello!", "stop"),
    Row("llama.cpp: without its first mark, before JSON", said("plan\n</think>{}") + STOP, "{}", "stop"),
    Row("a mark in a block of code", said("```\na\n</think>\nb\n```") + STOP, "```\na\n</think>\nb\n```", "stop"),
    Row("nova: marks in crumbs", said("<") + said("thinking") + said("> hm </") + said("thinking> 42.") + STOP, "42.", "stop"),
    Row("a mark that is spoken of", said("Use `</think>` and <think>.\n") + STOP, "Use `</think>` and <think>.\n", "stop"),
    Row("thinking twice, space around", said("  <think>a</think> <think>b</think>\nHello!") + STOP, "Hello!", "stop"),
    # reports of 2025 and 2026
    Row("glm on vllm: the reason beside the last piece of a call (vllm-project/vllm-ascend#8327)", call(0, "a", "sleep", '{"s"') + chunk({"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]}, "tool_calls") + DONE, "", "tool_calls", SLEEP),
    Row("vllm: a reason that is null to the end (vllm-project/vllm#27572)", call(0, "a", "sleep", S1) + chunk({}, None) + DONE, "", "tool_calls", SLEEP),
    Row("oci: a new id and an empty name in each piece, and a last id alone (BerriAI/litellm#40040)", call(0, "t1", "sleep", "") + call(0, "t2", "", '{"s"') + call(0, "t3", "", ":1}") + chunk({"tool_calls": [{"id": "t4"}]}, "stop") + DONE, "", "tool_calls", SLEEP),
    Row("gemini: calls under the name of a stop, in a stream only (googleapis/python-genai#2868)", chunk({"role": "assistant", "tool_calls": [{"index": 0, "id": "f1", "type": "function", "function": {"name": "sleep", "arguments": S1}}]}) + chunk({"role": "assistant"}, "stop") + DONE, "", "tool_calls", SLEEP),
    Row("sglang: a reason with the last text, and once more (sgl-project/sglang#8417)", said("Hel") + chunk({"content": "lo"}, "stop") + chunk({}, "stop") + DONE, "Hello", "stop"),
    Row("sglang: text and a call in one piece (sgl-project/sglang#34214)", chunk({"content": "I wait.", "tool_calls": [{"index": 0, "id": "a", "function": {"name": "sleep", "arguments": S1}}]}) + CALLED, "I wait.", "tool_calls", SLEEP),
    Row("sglang: two calls whose numbers are those of their pieces (sgl-project/sglang#6310)", call(0, "a", "sleep", "") + call(0, None, None, S1) + call(1, "b", "now", "") + call(1, None, None, "{}") + CALLED, "", "tool_calls", (*SLEEP, ("now", "{}"))),
    Row("minimax on vllm: thought, and then nothing (vllm-project/vllm#52613)", chunk({"reasoning": "I call it."}) + chunk({"content": ""}, "stop") + DONE, "", "stop"),
    Row("llama.cpp: an error in a line of its own kind (ggml-org/llama.cpp#14566)", b'error: {"code":400,"message":"the request exceeds the available context size. try increasing the context size or enable context shift","type":"exceed_context_size_error"}\n\n', None, "context"),
    Row("llama.cpp: the same after some text", said("Half") + b'error: {"code":500,"message":"Failed to parse input at pos 0: <tool_call>","type":"server_error"}\n\n', None, "transport"),
    Row("llama.cpp: a call that its parser cannot read (agentscope-ai/QwenPaw#3560)", said("I look.") + data({"error": {"code": 500, "message": "Failed to parse input at pos 0: <tool_call>\n<function=x>", "type": "server_error"}}), None, "transport"),
    Row("lm studio: an error without a type (zendev-sh/goai#110)", said("Half") + data({"error": {"message": "Compute error."}, "message": "Compute error."}), None, "unknown"),
    Row("lm studio: an empty name in each later piece (lmstudio-ai/lmstudio-bug-tracker#649)", call(0, "1", "sleep", "") + call(0, None, "", '{"s"') + call(0, None, "", ":1}") + CALLED, "", "tool_calls", SLEEP),
    Row("omlx: its own check of a call ends the stream (jundot/omlx#2012)", said("I write.") + data({"error": {"message": "1 validation error for FunctionCall", "type": "server_error", "code": None}}) + DONE, None, "overload"),
    Row("sub2api: an error put amid an event (Wei-Shaw/sub2api#1471)", said("Half") + b'data: {"choices":[{"delta":{"content":"wo\ndata: {"type":"error","error":{"type":"upstream_error","message":"stream_read_error"}}\n\n', None, "transport"),
    Row("azure: what it looked for, before the answer (AbanteAI/archive-old-cli-mentat#429)", data({"id": "", "choices": [], "model": "", "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}}}]}) + said("Hello") + STOP, "Hello", "stop"),
    Row("azure: what it looked for, amid it, without a delta (uezo/aiavatarkit#124)", said("Hel") + data({"choices": [{"index": 0, "finish_reason": None, "content_filter_results": {"hate": {"filtered": False}}, "content_filter_offsets": {"check_offset": 5}}]}) + said("lo") + STOP, "Hello", "stop"),
    Row("glm: no room left amid the answer (mozilla-ai/any-llm#1204)", said("Half") + chunk({}, "model_context_window_exceeded") + DONE, "Half", "length"),
    Row("glm: its network failed (earendil-works/pi#2313, NousResearch/hermes-agent#92161)", chunk({}, "network_error") + DONE, None, "transport"),
    Row("zen: the same, spelled otherwise", said("Half") + chunk({}, "network-error") + DONE, None, "transport"),
    Row("glm: a word it does not say, after some text (BerriAI/litellm#24373)", said("Half") + chunk({}, "sensitive") + DONE, "Half", "partial"),
    Row("vertex: at its limit, without a delta (envoyproxy/ai-gateway#2107)", said("Half") + data({"choices": [{"index": 0, "finish_reason": "length"}]}) + DONE, "Half", "length"),
    Row("bifrost: an answer at once, without a reason (maximhq/bifrost#1489)", json.dumps({"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}}]}).encode(), "Hello", "stop", label="application/json"),
    Row("a gateway that makes data of a comment (mnfst/llm-gateway#2053)", data(": OPENROUTER PROCESSING") + said("Hello") + STOP, "Hello", "stop"),
    Row("clewdr: blank lines, and then an answer at once (SillyTavern/SillyTavern#4351)", b"\n" * 13 + json.dumps({"choices": [{"index": 0, "finish_reason": "STOP", "message": {"role": "assistant", "content": "Hello"}}], "object": "chat.completion"}).encode(), "Hello", "stop"),
    Row("minimax: an error of its provider amid the answer (MiniMax-AI/MiniMax-M2#76)", said("I look.") + data({"error": {"message": "Minimax midstream error: invalid params, tool result's tool id(call_x) not found", "code": 400, "metadata": {"provider_name": "Minimax"}}, "user_id": "u"}), None, "malformed"),
    Row("minimax: a status that is called otherwise (earendil-works/pi#5468)", data({"type": "error", "error": {"type": "bad_request_error", "message": "invalid params, invalid function arguments json string, tool_call_id: call_1 (2013)", "http_code": "400"}, "request_id": "1"}), None, "malformed"),
]  # fmt: skip

ANTHROPIC = [
    Row("an answer", START + words("Hello") + end("end_turn"), "Hello", "stop"),
    Row("an error by its data only", START + data({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}), None, "overload"),
    Row("an error by its data only, after text", START + words("Half") + data({"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 210000 tokens > 200000 maximum"}}), None, "context"),
    Row("an error without a type", START + data({"error": {"message": "busy", "code": 503}}), None, "overload"),
    Row("a refusal", START + end("refusal"), None, "malformed"),
    Row("a refusal after some text", START + words("Half") + end("refusal"), "Half", "partial"),
    Row("a pause", START + words("I search.") + end("pause_turn"), "I search.", "unfinished"),
    Row("the window is full", START + words("Half") + end("model_context_window_exceeded"), "Half", "length"),
    Row("cut amid a call", START + words("I write it.") + block(1, {"type": "tool_use", "id": "t", "name": "sleep", "input": {}}, {"type": "input_json_delta", "partial_json": '{"s": 1, "te'}) + end("max_tokens"), "I write it.", "unfinished"),
    Row("it searched by itself, and was cut", START + searched(1) + words("Half") + end("max_tokens"), "Half", "length"),
    Row("it searched by itself beside a call", START + block(0, {"type": "tool_use", "id": "t", "name": "sleep", "input": {}}, {"type": "input_json_delta", "partial_json": S1}) + searched(1) + end("tool_use"), "", "tool_calls", SLEEP),
    Row("arguments with the block's beginning", START + block(0, {"type": "tool_use", "id": "t", "name": "sleep", "input": {"s": 1}}) + end("tool_use"), "", "tool_calls", SLEEP),
    Row("no arguments", START + block(0, {"type": "tool_use", "id": "t", "name": "now", "input": {}}) + end("tool_use"), "", "tool_calls", (("now", "{}"),)),
    Row("odd types", START + event("content_block_start", index="0", content_block={"type": "text", "text": None}) + event("content_block_delta", index="0", delta={"type": "text_delta", "text": 6}) + end("end_turn"), "6", "stop"),
    Row("an answer at once", json.dumps({"type": "message", "role": "assistant", "content": [{"type": "text", "text": "Hello"}], "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 2}}).encode(), "Hello", "stop", label="application/json"),
    Row("an error at once", json.dumps({"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}}).encode(), None, "rate_limit", label="application/json"),
    Row("minimax: thinking in the text", START + words("<think>plan</think>Hello") + end("end_turn"), "Hello", "stop"),
    Row("[DONE] as well", START + words("Hello") + end("end_turn") + DONE, "Hello", "stop"),
    Row("an unknown event", START + event("vertex_event", message="hello") + words("Hello") + end("end_turn"), "Hello", "stop"),
    Row("no blank line at its end", START + words("Hello") + end("end_turn").rstrip(), "Hello", "stop"),
]  # fmt: skip
