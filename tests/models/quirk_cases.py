"""Endpoints that refuse a part of a request, in their own words."""

from __future__ import annotations

from hermes_trio.values.transcript import AssistantEntry, ToolCall, ToolEntry, UserEntry
from tests.fakes.anthropic_server import AnthropicFake
from tests.fakes.openai_server import OpenAIFake

SCHEMA = {
    "$schema": "x",
    "type": "object",
    "properties": {
        "seconds": {"type": ["integer", "null"], "exclusiveMinimum": 0, "description": "how long"},
        "default": {"anyOf": [{"type": "null"}, {"type": "string", "pattern": "a+"}]},
        "list": {"type": "array", "items": {"type": "string", "minLength": 1}},
    },
    "required": ["seconds"],
    "additionalProperties": False,
}
PLAIN = {
    "type": "object",
    "properties": {
        "seconds": {"type": "integer", "description": "how long"},
        "default": {"type": "string"},
        "list": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["seconds"],
}


def entries(keepsake=None, beside=""):
    return (
        UserEntry("what time is it?"),
        AssistantEntry(beside, (ToolCall("c1", "sleep", '{"seconds":1}'),), keepsake=keepsake),
        ToolEntry("c1", "sleep", "half past noon"),
        AssistantEntry("Half past."),
        UserEntry("thanks"),
    )


def tools(body):
    return [tool.get("function", tool) for tool in body.get("tools") or ()]


def schemas(body):
    return [tool.get("parameters") or tool.get("input_schema") for tool in tools(body)]


def calling(body):
    return [message for message in body["messages"] if message.get("tool_calls")]


def blocks(body, *kinds):
    return [
        block
        for message in body["messages"]
        if isinstance(message["content"], list)
        for block in message["content"]
        if block["type"] in kinds
    ]


class Case:
    """An endpoint that refuses.

    Args:
        name: of the row.
        wrong: whether a request has what it refuses.
        status, said: how.
        own: what the answer in the conversation came with, from this endpoint.
        extra: more fields of each request.
        fake: the protocol.
        lasting: the second request is not refused.
        report: where it was reported.
        beside: text that the answer had beside its call.
        tools: whether there are any.
    """

    def __init__(
        self,
        name,
        wrong,
        status,
        said,
        *,
        own=None,
        extra=None,
        fake=OpenAIFake,
        lasting=True,
        report="",
        beside="",
        tools=True,
    ):
        self.tools = tools
        self.report, self.beside = report, beside
        self.name, self.wrong, self.status, self.said = name, wrong, status, said
        self.own, self.extra, self.fake, self.lasting = own, extra, fake, lasting


def alternates(body):
    roles = [message["role"] for message in body["messages"] if message["role"] != "system"]
    return "tool" not in roles


WRONG = {
    "schema keywords": lambda body: "additionalProperties" in str(schemas(body)),
    "tools": lambda body: "tools" in body,
    "reasoning": lambda body: "reasoning_content" in str(body["messages"]),
    "reasoning for answers without": lambda body: any(
        not message.get("reasoning_content") for message in calling(body)
    ),
    "the system role": lambda body: body["messages"][0]["role"] == "system",
    "tool messages": lambda body: not alternates(body),
    "empty content beside calls": lambda body: any(message["content"] == "" for message in calling(body)),
    "cache_control": lambda body: "cache_control" in str(body),
    "max_tokens": lambda body: "max_tokens" in body,
}
THOUGHT = {"message": {"reasoning_content": "The clock."}}
REPORTED = tuple(
    Case(
        name,
        WRONG[name],
        status,
        said,
        own=THOUGHT if name == "reasoning" else None,
        extra={"max_tokens": 99} if name == "max_tokens" else None,
        fake=AnthropicFake if name == "cache_control" else OpenAIFake,
        report=report,
    )
    for report, name, status, said in (
        (
            "abhigyanpatwari/GitNexus#43",
            "reasoning for answers without",
            400,
            "Missing `reasoning_content` field in the assistant message at message index 2. For more"
            " information, please refer to https://api-docs.deepseek.com/guides/thinking_mode#tool-calls",
        ),
        (
            "BerriAI/litellm#30835",
            "reasoning",
            422,
            '[{"type":"extra_forbidden","loc":["body","messages",2,"assistant","reasoning_content"],'
            '"msg":"Extra inputs are not permitted"}]',
        ),
        (
            "tashfeenahmed/freellmapi#97",
            "schema keywords",
            502,
            "Provider error (Gemini): Google API error 400: Invalid JSON payload received. Unknown name"
            " \"additionalProperties\" at 'tools[0].function_declarations[0].parameters': Cannot find field.",
        ),
        (
            "Joakimpalm-Zen/xyntetik-runner#4",
            "schema keywords",
            400,
            "unsupported tool schema: additionalProperties is only supported as false alongside declared"
            " properties, or as an open schema without them",
        ),
        ("anomalyco/opencode#43371", "schema keywords", 400, "tool_count_limit: unsupported_keyword"),
        ("agent0ai/agent-zero#1724", "schema keywords", 400, "Invalid input, param: tools.1"),
        (
            "nicobailon/pi-subagents#248",
            "schema keywords",
            400,
            "JSON Schema not supported: could not understand the instance {required: [criteria]}",
        ),
        (
            "agno-agi/agno#2929",
            "tools",
            400,
            "<400> InternalError.Algo.InvalidParameter: The tool call is not supported.",
        ),
        (
            "hotovo/aider-desk#86",
            "tools",
            400,
            '{"code":400, "reason":"INVALID_REQUEST_BODY", "message":"model features function calling not'
            ' support", "metadata":{}}',
        ),
        (
            "sbintuitions/flexeval#242",
            "tools",
            400,
            "tools is not supported in this model. For a list of supported models, refer to"
            " https://platform.openai.com/docs/guides/function-calling#models-supporting-function-calling.",
        ),
        (
            "FerroxLabs/wayland#389",
            "tools",
            400,
            "registry.ollama.ai/library/smollm2:135m does not support tools",
        ),
        ("MiniMax-AI/MiniMax-M2.5#24", "tools", 400, "Failed to fetch tools: Not yet implemented"),
        ("defilantech/LLMKube#126", "tools", 500, "tools param requires --jinja flag"),
        ("ggml-org/llama.cpp#10920", "tools", 500, "Unsupported param: tools"),
        (
            "router-for-me/CLIProxyAPI#2101",
            "max_tokens",
            400,
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use"
            " 'max_completion_tokens' instead.",
        ),
        ("vllm-project/vllm#2964", "the system role", 400, "System role not supported"),
        (
            "BoundaryML/baml#2109",
            "the system role",
            400,
            "Developer instruction is not enabled for models/gemma-3-27b-it",
        ),
        (
            "eclipse-theia/theia#17104",
            "tool messages",
            500,
            "Jinja Exception: After the optional system message, conversation roles must alternate user and"
            " assistant roles except for tool calls and results.",
        ),
        (
            "Portkey-AI/gateway#995",
            "empty content beside calls",
            400,
            "bedrock error: The content field in the Message object at messages.1 is empty. Add a"
            " ContentBlock object to the content field and try again.",
        ),
        (
            "vercel/ai#14618",
            "empty content beside calls",
            400,
            "ValidationException: messages: text content blocks must be non-empty",
        ),
        (
            "caozhiyuan/copilot-api#145",
            "cache_control",
            400,
            "system.1.cache_control.ephemeral.scope: Extra inputs are not permitted",
        ),
        (
            "earendil-works/pi#3365",
            "empty content beside calls",
            400,
            '{"error":{"code":"1213","message":"未正常接收到prompt参数"}}',
        ),
        ("earendil-works/pi#3365", "empty content beside calls", 400, "chat content is empty (2013)"),
        (
            "anthropics/claude-code#4416",
            "empty content beside calls",
            400,
            "messages.2: all messages must have non-empty content except for the optional final assistant"
            " message",
        ),
        (
            "karthink/gptel#774",
            "reasoning",
            400,
            "'messages.2' : for 'role:assistant' the following must be satisfied[('messages.2' : property"
            " 'reasoning' is unsupported, did you mean 'role'?)]",
        ),
        (
            "hashgraph/hedera-agent-kit-js#448",
            "schema keywords",
            400,
            'Invalid JSON payload received. Unknown name "type" at'
            " 'tools[0].function_declarations[17].parameters.properties[12].value': Proto field is not"
            " repeating, cannot start list.",
        ),
    )
)
"""Public reports, as repository and number: what their endpoint said."""

CASES = (
    Case(
        "stream_options",
        lambda body: "stream_options" in body,
        400,
        '{"external_model_error":"stream_options: Extra inputs are not permitted"}',
    ),
    Case("stream_options", lambda body: "stream_options" in body, 422, "Bad request."),
    Case(
        "schema keywords",
        lambda body: "exclusiveMinimum" in str(schemas(body)),
        400,
        'Invalid JSON payload received. Unknown name "exclusiveMinimum" at'
        " 'tools[0].function_declarations[0].parameters.properties[0].value': Cannot find field.",
        report="ahmadrosid/nakama#292",
    ),
    Case(
        "schema keywords",
        lambda body: "additionalProperties" in str(schemas(body)),
        400,
        "tools.0.custom.input_schema: JSON schema is invalid",
        fake=AnthropicFake,
    ),
    Case(
        "cache_control",
        lambda body: "cache_control" in str(body),
        400,
        "messages.0.content.0.cache_control: Extra inputs are not permitted",
        fake=AnthropicFake,
    ),
    Case(
        "tools",
        lambda body: "tools" in body or calling(body),
        400,
        "registry.ollama.ai/library/gemma3:4b does not support tools",
    ),
    Case(
        "tools",
        lambda body: "tools" in body,
        400,
        '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
        report="langchain4j/langchain4j#3475",
    ),
    Case(
        "tools",
        lambda body: "tools" in body,
        404,
        "No endpoints found that support tool use. To learn more about provider routing, visit: https://x",
    ),
    Case(
        "max_tokens",
        lambda body: body.get("max_tokens"),
        400,
        "Use 'max_completion_tokens' instead.",
        extra={"max_tokens": 99},
    ),
    *(
        Case(
            "calls without tools",
            lambda body: "tools" not in body and (calling(body) or blocks(body, "tool_use", "tool_result")),
            400,
            said,
            fake=fake,
            lasting=False,
            report=report,
            tools=False,
        )
        for fake, report, said in (
            (
                OpenAIFake,
                "onyx-dot-app/onyx#7842",
                "litellm.BadRequestError: BedrockException - The toolConfig field must be defined when using"
                " toolUse and toolResult content blocks.",
            ),
            (
                AnthropicFake,
                "",
                "Requests which include `tool_use` or `tool_result` blocks must define tools",
            ),
        )
    ),
    Case(
        "thinking",
        lambda body: body.get("thinking") == {"type": "enabled"},
        400,
        'invalid params, invalid thinking.type: "enabled" (allowed: adaptive, disabled) (2013)',
        extra={"thinking": {"type": "enabled"}},
        lasting=False,
        report="CherryHQ/cherry-studio#16431",
    ),
    Case(
        "reasoning for answers without",
        lambda body: any(not message.get("reasoning_content") for message in calling(body)),
        400,
        "The `reasoning_content` in the thinking mode must be passed back to the API.",
        report="can1357/oh-my-pi#788",
    ),
    Case(
        "reasoning for answers without",
        lambda body: any(not message.get("reasoning_content") for message in calling(body)),
        400,
        "thinking is enabled but reasoning_content is missing in assistant tool call message at index 2",
        report="mastra-ai/mastra#12592",
    ),
    Case(
        "reasoning",
        lambda body: "reasoning_content" in str(body["messages"]),
        400,
        "'messages.2' : for 'role:assistant' the following must be satisfied[('messages.2' : property"
        " 'reasoning_content' is unsupported)]",
        own={"message": {"reasoning_content": "The clock."}},
        report="tashfeenahmed/freellmapi#1070",
    ),
    Case(
        "signatures for calls without",
        lambda body: any("extra_content" not in message["tool_calls"][0] for message in calling(body)),
        400,
        "Function call is missing a thought_signature in functionCall parts. This is required for tools to"
        " work correctly.",
        report="lbjlaq/Antigravity-Manager#139",
    ),
    Case(
        "thinking",
        lambda body: "thinking" in body and not blocks(body, "thinking"),
        400,
        "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. When"
        " `thinking` is enabled, a final `assistant` message must start with a thinking block.",
        extra={"thinking": {"type": "enabled", "budget_tokens": 1024}},
        fake=AnthropicFake,
        lasting=False,
        report="anomalyco/opencode#3077",
    ),
    Case(
        "thinking",
        lambda body: blocks(body, "thinking"),
        400,
        "messages.1.content.0: Invalid `signature` in `thinking` block",
        own={"thinking": [{"type": "thinking", "thinking": "hm", "signature": "old"}]},
        fake=AnthropicFake,
        lasting=False,
    ),
    Case(
        "the system role",
        lambda body: body["messages"][0]["role"] == "system",
        500,
        "Error rendering prompt with jinja template: System role not supported",
    ),
    Case(
        "empty content beside calls",
        lambda body: any(message["content"] == "" for message in calling(body)),
        400,
        "The text field in the ContentBlock object at messages.1.content.0 is blank.",
    ),
    Case(
        "text beside calls",
        lambda body: any(message["content"] for message in calling(body)),
        400,
        "Assistant message must have either content or tool_calls, but not both.",
        beside="Let me see.",
    ),
    Case(
        "tool messages",
        lambda body: not alternates(body),
        400,
        "After the optional system message, conversation roles must alternate user/assistant/user/...",
    ),
    Case(
        "tool messages",
        lambda body: not alternates(body),
        500,
        "Only user, assistant and system roles are supported!",
    ),
)
