"""What some endpoints do not take of a request, and what they are sent instead: one table.

A row is added in a minute: by which words a refusal names the thing, and what becomes of the request's fields
or of its messages. Both protocols share the table; a row that changes nothing of a request is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

RequestFields = Mapping[str, Any]
Messages = Sequence[Mapping[str, Any]]


class Quirk(Struct, frozen=True):
    """A row.

    Args:
        name: what is left out, or put in.
        named: how refusals speak of it; matched without regard to case.
        fields: of what becomes of all that goes with the conversation.
        optional: the request means the same without it, so that a refusal need not name it.
        lasting: what one request was refused for, the next ones would be too.
    """

    name: str
    named: str
    fields: Callable[[RequestFields], RequestFields] | None = None
    messages: Callable[[Messages], Messages] | None = None
    optional: bool = False
    lasting: bool = True

    def is_named(self, said: str) -> bool:
        """Whether a refusal speaks of it."""
        return re.search(self.named, said, re.IGNORECASE | re.DOTALL) is not None


# -- the fields of a request

PLAIN = frozenset({"type", "properties", "required", "description", "enum", "items"})
"""The words of a schema that every endpoint knows."""

CHOICES = ("anyOf", "oneOf", "allOf")


def plain_schema(schema: Any) -> Any:
    """A JSON schema in words that every endpoint knows; of several possible ones the first."""
    if not isinstance(schema, Mapping):
        return schema
    for word in CHOICES:
        ways = [way for way in schema.get(word) or () if way != {"type": "null"}]
        if ways:
            return plain_schema({**{k: v for k, v in schema.items() if k != word}, **ways[0]})
    made = {word: value for word, value in schema.items() if word in PLAIN}
    if isinstance(made.get("type"), list):
        made["type"] = next((one for one in made["type"] if one != "null"), "string")
    if made.get("type") == "object":
        made.setdefault("properties", {})  # LM Studio takes no object without
    if isinstance(made.get("properties"), Mapping):
        made["properties"] = {name: plain_schema(one) for name, one in made["properties"].items()}
    if "items" in made:
        made["items"] = plain_schema(made["items"])
    return made


def _plain_schemas(fields: RequestFields) -> RequestFields:
    if "tools" not in fields:
        return fields
    return {**fields, "tools": [_plain_tool(tool) for tool in fields["tools"]]}


def _plain_tool(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    if "function" in tool:
        function = tool["function"]
        parameters = plain_schema(function.get("parameters", {}))
        return {**tool, "function": {**function, "parameters": parameters}}
    return {**tool, "input_schema": plain_schema(tool["input_schema"])} if "input_schema" in tool else tool


def _without(*names: str) -> Callable[[RequestFields], RequestFields]:
    return lambda fields: {name: value for name, value in fields.items() if name not in names}


def _limited_anew(fields: RequestFields) -> RequestFields:
    if "max_tokens" not in fields:
        return fields
    return {**_without("max_tokens")(fields), "max_completion_tokens": fields["max_tokens"]}


def _unmarked(value: Any) -> Any:
    """The same without Anthropic's marks of what to cache."""
    if isinstance(value, list):
        return [_unmarked(one) for one in value]
    if isinstance(value, dict):
        return {name: _unmarked(one) for name, one in value.items() if name != "cache_control"}
    return value


def _unmarked_fields(fields: RequestFields) -> RequestFields:
    return {name: _unmarked(value) if name == "system" else value for name, value in fields.items()}


# -- its messages

REASONING = ("reasoning_content", "reasoning", "reasoning_details", "extra_content")
NO_REASONING = " "
"""Of an answer that came without any. DeepSeek takes no empty text."""

NO_SIGNATURE = "skip_thought_signature_validator"
"""Google's own word for a call that was not made by Gemini."""


def _each(change: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> Callable[[Messages], Messages]:
    return lambda messages: [change(message) for message in messages]


def _null(message: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**message, "content": None} if message.get("tool_calls") and not message["content"] else message


def _silent(message: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**message, "content": ""} if message.get("tool_calls") else message


def _reasoned(message: Mapping[str, Any]) -> Mapping[str, Any]:
    if not message.get("tool_calls") or message.get("reasoning_content"):
        return message
    return {**message, "reasoning_content": NO_REASONING}


def _unreasoned(message: Mapping[str, Any]) -> Mapping[str, Any]:
    made = {name: value for name, value in message.items() if name not in REASONING}
    if calls := message.get("tool_calls"):
        made["tool_calls"] = [_without(*REASONING)(call) for call in calls]
    return made


def _signed(message: Mapping[str, Any]) -> Mapping[str, Any]:
    calls = message.get("tool_calls")
    if not calls or any("extra_content" in call for call in calls):
        return message
    first = {**calls[0], "extra_content": {"google": {"thought_signature": NO_SIGNATURE}}}
    return {**message, "tool_calls": [first, *calls[1:]]}


def _unthinking(message: Mapping[str, Any]) -> Mapping[str, Any]:
    content = message["content"]
    if not isinstance(content, list):
        return message
    blocks = [block for block in content if block.get("type") not in ("thinking", "redacted_thinking")]
    return {**message, "content": blocks or content}


def _system_said(messages: Messages) -> Messages:
    """The system's text as the beginning of the user's first."""
    if len(messages) < 2 or messages[0]["role"] != "system":
        return messages
    system, first, *rest = messages
    return [{**first, "content": f"{system['content']}\n\n{first['content']}"}, *rest]


def _calls_as_text(messages: Messages) -> Messages:
    """What was called, and what it gave, as text of the two sides; for models that know no tools."""
    made: list[dict[str, Any]] = []
    for message in messages:
        role, text = message["role"], message.get("content") or ""
        if role == "tool":
            role, text = "user", f"[The tool gave: {text}]"
        for call in message.get("tool_calls") or ():
            function = call["function"]
            text = f"{text}\n[I call {function['name']}({function['arguments']})]".strip()
        if made and made[-1]["role"] == role:
            made[-1]["content"] += f"\n\n{text}"
        else:
            made.append({"role": role, "content": text})
    return made


def _told_calls(messages: Messages) -> Messages:
    """The same in both protocols."""
    if _is_chat(messages):
        return _calls_as_text(messages)
    return [{**one, "content": [_told_block(block) for block in one["content"]]} for one in messages]


def _told_block(block: Mapping[str, Any]) -> Mapping[str, Any]:
    match block["type"]:
        case "tool_use":
            text = f"[I call {block['name']}({msgspec.json.encode(block['input']).decode()})]"
        case "tool_result":
            text = f"[The tool gave: {block['content']}]"
        case _:
            return block
    marked = {name: block[name] for name in ("cache_control",) if name in block}
    return {"type": "text", "text": text, **marked}


def _is_chat(messages: Messages) -> bool:
    return all(isinstance(message.get("content"), str | None) for message in messages)


def _of_chat(change: Callable[[Messages], Messages]) -> Callable[[Messages], Messages]:
    """Only of OpenAI's protocol, whose content is text."""
    return lambda messages: change(messages) if _is_chat(messages) else messages


_UNWANTED = (
    r"not permitted|unsupported|not supported|unknown|unrecogni[sz]ed|unexpected|not allowed|extra input"
)
_WANTED = r"must be|missing|required|passed back|need|expected"

QUIRKS: tuple[Quirk, ...] = (
    # Databricks, older vLLM and LocalAI, some gateways.
    Quirk(
        "stream_options", r"stream_options|include_usage", fields=_without("stream_options"), optional=True
    ),
    # Gemini, Mistral, Cohere, llama.cpp's grammars, OpenAI's strict ones.
    Quirk(
        "schema keywords",
        r"schema|function_declarations|\bparameters\b|grammar|exclusiveM|\bm(in|ax)imum|additionalProperties"
        r"|propertyNames|\$ref|anyOf|oneOf|allOf|unknown name|unsupported_keyword|tools[.\[]\d",
        fields=_plain_schemas,
        optional=True,
    ),
    # Endpoints that speak Anthropic's protocol and keep nothing.
    Quirk(
        "cache_control",
        r"cache_control",
        fields=_unmarked_fields,
        messages=_each(_unmarked),
        optional=True,
    ),
    # Ollama, vLLM without a parser, llama.cpp without --jinja, OpenRouter (404), Groq.
    Quirk(
        "tools",
        r"not support(ed)?\W+(\w+\W+){0,3}(tool|function)|(tool|function)s?\W+(\w+\W+){0,4}not\W+(\w+\W+)?"
        r"(support|enabled)|support tool use|enable-auto-tool-choice|tool_choice|fetch tools"
        r"|tools? param\w*\W+requires?|unsupported param\w*\W+tools?\b(?![.\[])",
        fields=_without("tools"),
        messages=_of_chat(_calls_as_text),
    ),
    # Bedrock behind a gateway, Anthropic: of a conversation with calls, where there is no tool any more.
    Quirk(
        "calls without tools",
        r"toolConfig field must be defined|must define `?tools|without `?tools=",
        messages=_told_calls,
        lasting=False,
    ),
    # OpenAI's newer models behind other addresses than its own: GitHub Models, gateways.
    Quirk("max_tokens", r"max_completion_tokens", fields=_limited_anew),
    # Gateways that give reasoning and take none back: Groq, Mistral, older DeepSeek.
    Quirk(
        "reasoning",
        rf"(reasoning|extra_content).{{0,80}}({_UNWANTED})|({_UNWANTED}).{{0,120}}(reasoning|extra_content)",
        messages=_of_chat(_each(_unreasoned)),
    ),
    # DeepSeek, Kimi, MiMo.
    Quirk(
        "reasoning for answers without",
        rf"reasoning_content.{{0,80}}({_WANTED})|({_WANTED}).{{0,80}}reasoning_content",
        messages=_of_chat(_each(_reasoned)),
    ),
    # Gemini, of calls that another model made.
    Quirk("signatures for calls without", r"thought_?signature", messages=_of_chat(_each(_signed))),
    # Anthropic, of answers that another model gave, or whose signature it does not know any more.
    Quirk(
        "thinking",
        r"thinking",
        fields=_without("thinking"),
        messages=_each(_unthinking),
        lasting=False,
    ),
    # Gemma.
    Quirk(
        "the system role",
        r"system\W+(\w+\W+){0,3}not\W+(\w+\W+)?support|role.{0,20}system|developer instruction",
        messages=_of_chat(_system_said),
    ),
    # Gateways to Bedrock and Anthropic, GLM (in Chinese), MiniMax.
    Quirk(
        "empty content beside calls",
        r"content.{0,60}(empty|blank|whitespace|non-empty)|(empty|blank).{0,60}content|prompt参数",
        messages=_of_chat(_each(_null)),
    ),
    # Mistral's own tokenizers up to their third version, as vLLM has them.
    Quirk(
        "text beside calls",
        r"content\W+(and|or)\W+tool_calls\W+(but )?not both",
        messages=_of_chat(_each(_silent)),
    ),
    # Templates that know user and assistant only: Gemma, Mistral's first, many of LM Studio's.
    Quirk(
        "tool messages",
        r"roles? must alternate|only user.{0,40}roles|role.{0,20}tool|should alternate",
        messages=_of_chat(_calls_as_text),
    ),
)
