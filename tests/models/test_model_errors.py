# ruff: noqa: E501 -- a table reads better in rows
"""What a provider's refusal means, by the bodies providers really send."""

from __future__ import annotations

import json

import pytest

from hermes_trio.models.errors import failure
from hermes_trio.runtime.redaction import Redactor
from hermes_trio.values.identity import Secret

NOW = 1_800_000_000.0


def openai_error(message, *, type="invalid_request_error", code=None, param=None):
    return {"error": {"message": message, "type": type, "param": param, "code": code}}


def anthropic_error(type, message, **details):
    error = {"type": type, "message": message} | ({"details": details} if details else {})
    return {"type": "error", "error": error, "request_id": "req_1"}


BODIES = [
    # OpenAI
    ("openai, rate", 429, {"retry-after": "3"}, openai_error("Rate limit reached for gpt-5 in organization org-x on tokens per min (TPM): Limit 30000, Used 29000.", type="tokens", code="rate_limit_exceeded"), "rate_limit", 3.0),
    ("openai, quota", 429, {}, openai_error("You exceeded your current quota, please check your plan and billing details.", type="insufficient_quota", code="insufficient_quota"), "quota", None),
    ("openai, bad key", 401, {}, openai_error("Incorrect API key provided: sk-abcde***wxyz.", code="invalid_api_key"), "auth", None),
    ("openai, country", 403, {}, openai_error("Country, region, or territory not supported", type="request_forbidden", code="unsupported_country_region_territory"), "auth", None),
    ("openai, too long", 400, {}, openai_error("This model's maximum context length is 128000 tokens. However, your messages resulted in 130001 tokens.", code="context_length_exceeded", param="messages"), "context", None),
    ("openai, server", 500, {}, openai_error("The server had an error while processing your request. Sorry about that!", type="server_error"), "overload", None),
    ("openai, overloaded", 503, {}, openai_error("The engine is currently overloaded, please try again later", type="engine_overloaded"), "overload", None),
    ("deepseek, no such model", 400, {}, openai_error("Model Not Exist", code="invalid_request_error"), "unknown", None),
    ("litellm, no such model", 400, {}, openai_error("/chat/completions: Invalid model name passed in model=x. Call `/v1/models` to view available models for your key.", code="400"), "unknown", None),
    ("openrouter, no such model", 400, {}, {"error": {"message": "gpt-9 is not a valid model ID", "code": 400}}, "unknown", None),
    ("mistral, no such model", 400, {}, {"object": "error", "message": "Invalid model: mistral-9", "type": "invalid_model", "param": None, "code": "1500"}, "unknown", None),
    ("look-alike: a parameter that a model does not have", 400, {}, openai_error("Unsupported parameter: this model does not support 'temperature'."), "malformed", None),
    ("litellm, another key than its master's", 400, {}, openai_error("No connected db.", type="no_db_connection", code="400"), "auth", None),
    ("openai, no such model", 404, {}, openai_error("The model `gpt-9` does not exist or you do not have access to it.", code="model_not_found"), "unknown", None),
    ("openai, wrong parameter", 400, {}, openai_error("Unsupported parameter: 'max_tokens'", code="unsupported_parameter", param="max_tokens"), "malformed", None),
    ("chatgpt plan", 429, {}, {"error": {"type": "usage_limit_reached", "message": "The usage limit has been reached", "plan_type": "plus", "resets_in_seconds": 18000}}, "quota", 18000.0),
    # Anthropic
    ("anthropic, rate", 429, {"retry-after": "12"}, anthropic_error("rate_limit_error", "This request would exceed your organization's rate limit of 30,000 input tokens per minute."), "rate_limit", 12.0),
    ("anthropic, overloaded", 529, {}, anthropic_error("overloaded_error", "Overloaded"), "overload", None),
    ("anthropic, overloaded inside the stream", None, {}, anthropic_error("overloaded_error", "Overloaded"), "overload", None),
    ("anthropic, bad key", 401, {}, anthropic_error("authentication_error", "invalid x-api-key"), "auth", None),
    ("anthropic, no permission", 403, {}, anthropic_error("permission_error", "Your API key does not have permission to use the specified resource."), "auth", None),
    ("anthropic, no credit", 400, {}, anthropic_error("invalid_request_error", "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."), "quota", None),
    ("anthropic, own limit", 400, {}, anthropic_error("invalid_request_error", "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC."), "quota", None),
    ("anthropic, billing", 402, {}, anthropic_error("billing_error", "There is an issue with your billing."), "quota", None),
    ("anthropic, tier's limit", 429, {}, anthropic_error("rate_limit_error", "monthly", error_code="enforced_spend_limit_reached"), "quota", None),
    ("anthropic, ramp", 429, {}, anthropic_error("rate_limit_error", "too quick", error_code="ramp_limit_exceeded"), "rate_limit", None),
    ("anthropic, too long", 400, {}, anthropic_error("invalid_request_error", "prompt is too long: 208310 tokens > 200000 maximum"), "context", None),
    ("anthropic, too large", 413, {}, anthropic_error("request_too_large", "Request exceeds the maximum size"), "context", None),
    ("anthropic, wrong roles", 400, {}, anthropic_error("invalid_request_error", "messages: roles must alternate"), "malformed", None),
    # OpenRouter
    ("openrouter, credits", 402, {}, {"error": {"message": "Insufficient credits. Add more using https://openrouter.ai/credits", "code": 402}}, "quota", None),
    ("openrouter, free models", 429, {}, {"error": {"message": "Rate limit exceeded: free-models-per-min. ", "code": 429, "metadata": {"headers": {"X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800000030000"}}}}, "rate_limit", 30.0),
    ("openrouter, no key", 401, {}, {"error": {"message": "No auth credentials found", "code": 401}}, "auth", None),
    ("openrouter, free models, inside the stream", None, {}, {"id": "gen-1", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}], "error": {"message": "Rate limit exceeded: free-models-per-min. ", "code": 429, "metadata": {"headers": {"X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800000030000"}}}}, "rate_limit", 30.0),
    ("openrouter, of a choice", None, {}, {"error": {"message": "Rate limit exceeded", "code": 429, "metadata": {"headers": {"Retry-After": "45"}}}}, "rate_limit", 45.0),
    ("openrouter, in seconds", 429, {}, {"error": {"message": "Provider returned error", "code": 429, "metadata": {"raw": "slow", "provider_name": "x", "retry_after_seconds": 17}}}, "rate_limit", 17.0),
    ("a gateway that wraps it all", 429, {}, {"detail": {"error": {"message": "Rate limit exceeded", "code": 429, "metadata": {"headers": {"X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800000030000"}}}}}, "rate_limit", 30.0),
    ("a gateway that wraps it as text", 200, {}, {"error": {"message": "Provider returned error", "code": 429, "metadata": {"raw": json.dumps({"error": {"code": 429, "message": "Resource has been exhausted", "status": "RESOURCE_EXHAUSTED", "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "22s"}]}})}}}, "rate_limit", 22.0),
    ("a gateway with a time beside it", 429, {}, {"message": "slow down", "retry_after": 9}, "rate_limit", 9.0),
    ("openrouter, flagged", 403, {}, {"error": {"message": "Input flagged", "code": 403, "metadata": {"reasons": ["violence"], "flagged_input": "x"}}}, "malformed", None),
    ("openrouter, provider down", 502, {}, {"error": {"message": "Provider returned error", "code": 502, "metadata": {"raw": "boom"}}}, "overload", None),
    ("openrouter, in the stream", 200, {}, {"id": "gen", "choices": [], "error": {"code": 429, "message": "Provider returned error"}}, "rate_limit", None),
    ("openrouter, timed out", 408, {}, {"error": {"message": "Request timed out", "code": 408}}, "transport", None),
    # others that speak OpenAI's protocol
    ("google, per minute", 429, {}, [{"error": {"code": 429, "message": "You exceeded your current quota, please check your plan and billing details.", "status": "RESOURCE_EXHAUSTED", "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "22.5s"}]}}], "rate_limit", 22.5),
    ("google, bad key", 400, {}, [{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}}], "auth", None),
    ("deepseek, balance", 402, {}, {"error": {"message": "Insufficient Balance", "type": "unknown_error", "code": "invalid_request_error"}}, "quota", None),
    ("kimi, balance", 429, {}, {"error": {"message": "Your account is suspended due to insufficient balance", "type": "exceeded_current_quota_error"}}, "quota", None),
    ("vllm, too long", 400, {}, {"object": "error", "message": "This model's maximum context length is 4096 tokens.", "type": "BadRequestError", "code": 400}, "context", None),
    ("vllm, no key", 401, {}, {"error": "Unauthorized"}, "auth", None),
    ("fastapi", 422, {}, {"detail": "Field required"}, "malformed", None),
    ("google, per day", 429, {}, [{"error": {"code": 429, "message": "You exceeded your current quota, please check your plan and billing details.", "status": "RESOURCE_EXHAUSTED"}}], "quota", None),
    ("google, no permission", 403, {}, [{"error": {"code": 403, "message": "Permission denied: Consumer has been suspended.", "status": "PERMISSION_DENIED"}}], "auth", None),
    ("google, overloaded", 503, {}, [{"error": {"code": 503, "message": "The model is overloaded. Please try again later.", "status": "UNAVAILABLE"}}], "overload", None),
    ("azure, rate", 429, {"retry-after": "20"}, {"error": {"code": "429", "message": "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 have exceeded call rate limit of your current pricing tier."}}, "rate_limit", 20.0),
    ("azure, bad key", 401, {}, {"error": {"code": "401", "message": "Access denied due to invalid subscription key or wrong API endpoint."}}, "auth", None),
    ("groq, per minute", 429, {"retry-after": "2"}, {"error": {"message": "Rate limit reached for model `x` on tokens per minute (TPM): Limit 6000, Used 5800, Requested 700.", "type": "tokens", "code": "rate_limit_exceeded"}}, "rate_limit", 2.0),
    ("groq, never fits a minute", 413, {}, {"error": {"message": "Request too large for model `x` on tokens per minute (TPM): Limit 6000, Requested 9000.", "type": "tokens", "code": "rate_limit_exceeded"}}, "context", None),
    ("mistral, no key", 401, {}, {"detail": "Unauthorized"}, "auth", None),
    ("mistral, rate", 429, {}, {"object": "error", "message": "Requests rate limit exceeded", "type": "rate_limited", "code": "1300"}, "rate_limit", None),
    ("xai, no credits", 403, {}, {"code": "The caller does not have permission to execute the specified operation", "error": "Your newly created team doesn't have any credits yet. You can purchase credits on the console."}, "quota", None),
    ("a coding plan, five hours", 429, {}, {"error": {"code": "1308", "message": "Usage limit reached for 5 hour. Your limit will reset at 2027-01-15 12:00:00"}}, "quota", None),
    ("a coding plan, a week", 429, {}, {"type": "error", "error": {"type": "GoUsageLimitError", "message": "Weekly usage limit reached. Resets in 2 days."}}, "quota", None),
    ("a login that ran out", 401, {}, anthropic_error("authentication_error", "OAuth token has expired. Please obtain a new token or refresh your existing token."), "auth", None),
    ("an account that was closed", 403, {}, openai_error("Your account was deactivated.", code="account_deactivated"), "auth", None),
    ("forbidden without a word", 403, {}, "", "auth", None),
    # a conversation that is too long, as each of them says it
    ("xai, too long", 400, {}, {"code": "Client specified an invalid argument", "error": "This model's maximum prompt length is 131072 but the request contains 140000 tokens."}, "context", None),
    ("glm, too long", 400, {}, {"error": {"code": "1261", "message": "Prompt exceeds max length"}}, "context", None),
    ("kimi, too long", 400, {}, openai_error("Invalid request: Your request exceeded model token limit: 262144 (requested: 280000)"), "context", None),
    ("sglang, too long", 400, {}, {"object": "error", "message": "The input (9000 tokens) is longer than the model's context length (8192 tokens).", "type": "BadRequestError", "code": 400}, "context", None),
    ("qwen, too long", 400, {}, openai_error("<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 98304]", code="invalid_parameter_error"), "context", None),
    ("copilot, too long", 400, {}, openai_error("prompt token count of 140000 exceeds the limit of 128000", code="model_max_prompt_tokens_exceeded"), "context", None),
    ("groq, too long", 400, {}, openai_error("Please reduce the length of the messages or completion."), "context", None),
    ("tgi, too long", 422, {}, {"error": "Input validation error: `inputs` must have less than 4096 tokens. Given: 5000", "error_type": "validation"}, "context", None),
    ("lm studio, too long", 400, {}, {"error": "Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens"}, "context", None),
    ("openai, never fits a minute", 429, {}, openai_error("Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested 32000. The input or output tokens must be reduced in order to run successfully.", type="tokens", code="rate_limit_exceeded"), "context", None),
    ("openrouter, too long elsewhere", 400, {}, {"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": '{"error":{"message":"This model\'s maximum context length is 32768 tokens."}}', "provider_name": "x"}}}, "context", None),
    # a 500 is read before it is believed
    ("llama.cpp, too long", 500, {}, {"error": {"code": 500, "message": "Context size has been exceeded.", "type": "server_error"}}, "context", None),
    ("llama.cpp, too long, its own type", 500, {}, {"error": {"code": 500, "message": "the request exceeds", "type": "exceed_context_size_error", "n_ctx": 4096}}, "context", None),
    ("ik_llama, too long", 500, {}, {"error": {"code": 500, "message": "input is too large to process, context shift is disabled", "type": "server_error"}}, "context", None),
    ("plain text, too long", 500, {}, "the request exceeds the available context size", "context", None),
    ("llama.cpp, a template that refuses", 500, {}, {"error": {"code": 500, "message": "Conversation roles must alternate user/assistant/user/assistant/... at row 14", "type": "server_error"}}, "malformed", None),
    ("lm studio, a template that refuses", 500, {}, {"error": "Error rendering prompt with jinja template: \"Cannot call something that is not a function\""}, "malformed", None),
    ("minimax, balance", 500, {}, {"type": "error", "error": {"type": "api_error", "message": "insufficient balance (1008)"}}, "quota", None),
    ("minimax, balance, without a status", 200, {}, {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}, "choices": None}, "quota", None),
    ("a gateway, key", 500, {}, {"error": {"message": "Invalid API key", "type": "server_error"}}, "auth", None),
    ("xai, spending limit", 403, {}, {"code": "personal-team-blocked:spending-limit", "error": "You have run out of credits or need a Grok subscription."}, "quota", None),
    ("openrouter, free models of a day", 200, {}, {"error": {"message": "Rate limit exceeded: free-models-per-day", "code": 429, "metadata": {"headers": {"X-RateLimit-Reset": "1800007200000"}}}}, "quota", 7200.0),
    ("groq, the time in words", 429, {}, openai_error("Rate limit reached for model `x`. Please try again in 7m12.5s.", type="tokens", code="rate_limit_exceeded"), "rate_limit", 432.5),
    ("fal, balance", 403, {}, {"detail": "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."}, "quota", None),
    ("a plan's limit of one model as 500", 500, {}, anthropic_error("api_error", "You've reached your Fable 5 limit."), "quota", None),
    ("a group's limit as 500", 500, {}, anthropic_error("api_error", "Your group's usage limit is set to $0"), "quota", None),
    ("glm, balance as 429", 429, {}, {"error": {"code": "1113", "message": "Insufficient balance or no resource package. Please recharge."}}, "quota", None),
    ("kimi, too large in all", 400, {}, openai_error("total message size 10176584 exceeds limit 2097152"), "context", None),
    ("openrouter, too long in all", 400, {}, openai_error("This endpoint's maximum context length is 262144 tokens. However, you requested about 264896 tokens. Please reduce the length of either one."), "context", None),
    ("groq, a call that is none", None, {}, {"error": {"message": "tool call validation failed", "type": "invalid_request_error", "code": "tool_use_failed", "status_code": 400}}, "transport", None),
    # public reports, as repository and number
    ("bailian, a minute's tokens (can1357/oh-my-pi#8496)", 429, {}, openai_error("You exceeded your current quota, please check your plan and billing details. For details, see: https://help.aliyun.com/zh/model-studio/error-code#token-limit", type="insufficient_quota", code="insufficient_quota", param="insufficient_quota"), "rate_limit", None),
    ("dashscope, the same in its own words (openclaw/openclaw#148236)", 429, {}, {"code": "Throttling.AllocationQuota", "message": "Allocated quota exceeded, please increase your quota limit."}, "rate_limit", None),
    ("openai, a quota that is one (chatanywhere/GPT_API_free#229)", 429, {}, openai_error("You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.", type="insufficient_quota", code="insufficient_quota"), "quota", None),
    ("litellm, a hard cap (NousResearch/hermes-agent#106427)", 429, {}, openai_error("Hard billing limit reached.", code="terminal_quota_exhausted"), "quota", None),
    ("anthropic, a month's money (NousResearch/hermes-agent#91106)", 429, {}, anthropic_error("rate_limit_error", "This request would exceed your account's monthly spend limit."), "quota", None),
    ("anthropic, a minute of an account (gents-ai/gents#1422)", 429, {}, anthropic_error("rate_limit_error", "This request would exceed your account's rate limit. Please try again later."), "rate_limit", None),
    ("z.ai, a week (NousResearch/hermes-agent#90503)", 429, {}, {"error": {"code": "1310", "message": "Weekly/Monthly Limit Exhausted. Your limit will reset later; your credits have been exhausted."}}, "quota", None),
    ("openrouter, a key's own cap (vellum-ai/vellum-assistant#38275)", 403, {}, {"error": {"message": "Key limit exceeded (total limit). Manage it using https://openrouter.ai/settings/keys", "code": 403}}, "quota", None),
    ("openrouter, a provider's refusal three times wrapped (CherryHQ/cherry-studio#733)", None, {}, {"error": {"message": "Provider returned error", "code": 429, "metadata": {"raw": {"__kind": "OK", "data": '{"error":{"code":null,"message":"Rate limit exceeded","type":"rate_limit_exceeded"}}'}, "provider_name": "SambaNova"}}, "code": 429}, "rate_limit", None),
    ("a rate amid a stream, without a code (NousResearch/hermes-agent#61123)", None, {}, {"error": {"message": "rate limit exceeded"}}, "rate_limit", None),
    ("in chinese, too long (openclaw/openclaw#22847)", 400, {}, openai_error("上下文过长，请压缩上下文"), "context", None),
    ("bedrock, too long (openclaw/openclaw#58839)", 400, {}, {"message": "ValidationException: Input exceeds the max input token limit"}, "context", None),
    ("cohere, too long (openclaw/openclaw#58839)", 400, {}, {"message": "total tokens exceeds the model's max of 4096"}, "context", None),
    ("a proxy, too long (openclaw/openclaw#3154)", 400, {}, openai_error("Too large.", code="context_overflow"), "context", None),
    ("a proxy of claude, too long (openclaw/openclaw#5433)", 400, {}, openai_error("input length and `max_tokens` exceed context limit"), "context", None),
    ("llama.cpp, too long, as a 400 (openclaw/openclaw#64180)", 400, {}, {"error": {"code": 400, "message": "request (66202 tokens) exceeds the available context size (65536 tokens), try increasing it", "type": "exceed_context_size_error"}}, "context", None),
    ("llama.cpp, a template that fails (ggml-org/llama.cpp#13178)", 500, {}, {"error": {"code": 500, "message": "Cannot subscript null at row 23, column 40:\n    {%- set start_of_message = message.content[:tool_start_length] %}", "type": "server_error"}}, "malformed", None),
    ("llama.cpp, another (janhq/jan#6123)", 500, {}, {"error": {"code": 500, "message": "Value is not callable: null at row 49, column 79:\n   {%- set content = (m_content.split('</think>')|last).lstrip('\\n') %}", "type": "server_error"}}, "malformed", None),
    ("ollama, nothing but EOF (zeroclaw-labs/zeroclaw#5962)", 500, {}, {"error": "EOF"}, "overload", None),
    ("openrouter, less money than an answer may cost (cline/cline#940)", 402, {}, {"error": {"message": "max_tokens limit exceeded: 100000 > 9577. To increase, visit https://openrouter.ai/keys and create a key with a higher limit", "code": 402}}, "quota", None),
    # look-alikes
    ("look-alike: a machine's own deadline", 500, {}, {"error": {"message": "Post upstream: context deadline exceeded", "type": "server_error"}}, "overload", None),
    ("look-alike: llama.cpp, what a model wrote was no call", 500, {}, {"error": {"code": 500, "message": "Failed to parse input at pos 12: <tool_call>usage limit", "type": "server_error"}}, "transport", None),
    ("look-alike: ollama, the same, which quotes it (ollama/ollama#12064)", 500, {}, {"error": "error parsing tool call: raw='{\"text\":\"of the context window\"', err=unexpected end of JSON input"}, "transport", None),
    ("look-alike: ollama, the same amid the stream (langchain-ai/langchain#34746)", None, {}, {"error": "error parsing tool call: raw='{\"reflection\":\"insufficient balance', err=unexpected end of JSON input"}, "transport", None),
    ("look-alike: an error page about context size", 502, {}, "<html><body>context size</body></html>", "overload", None),
    ("look-alike: a tool's text speaks of a usage limit", 400, {}, openai_error("Invalid 'tools[0].description': 'tells the usage limit'", param="tools[0].description"), "malformed", None),
    ("look-alike: a bad request that names a rate limit", 400, {}, openai_error("Invalid value: 'rate_limit_exceeded'", param="messages"), "malformed", None),
    ("look-alike: a server error that speaks of a key", 500, {}, openai_error("failed to read API key cache", type="server_error"), "overload", None),
    ("look-alike: a rate limit with a very long wait is a used-up plan", 429, {"retry-after": "90000"}, {}, "quota", 90000.0),
    ("look-alike: 403 for want of money", 403, {}, openai_error("You have reached your monthly limit", code=None), "quota", None),
    ("look-alike: a bad request called server_error", 400, {}, {"error": {"message": "nope", "type": "server_error"}}, "malformed", None),
    ("not json", 502, {}, "<html><title>502 Bad Gateway</title></html>", "overload", None),
    ("not json, 429", 429, {}, "slow down", "rate_limit", None),
    ("nothing", 401, {}, "", "auth", None),
    ("redirect", 307, {}, "", "malformed", None),
    ("teapot", 418, {}, "", "unknown", None),
    ("nonsense in the stream", None, {}, {"error": {"message": "?"}}, "unknown", None),
    ("azure behind a gateway, its refusal as text in the stream (Oaklight/argo-proxy#91)", None, {}, {"error": {"message": "Error code: 400 - {'error': {'message': \"The response was filtered due to the prompt triggering Azure OpenAI's content management policy.\", 'code': 'content_filter'}}"}}, "malformed", None),
    ("azure, filtered (compl-ai/compl-ai#20)", 400, {}, {"error": {"message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.", "type": None, "param": "prompt", "code": "content_filter", "status": 400, "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"hate": {"filtered": False}}}}}, "malformed", None),
    ("minimax, a call it cannot find (MiniMax-AI/MiniMax-M2#76)", 400, {}, {"type": "error", "error": {"type": "invalid_request_error", "message": "invalid params, tool result's tool id(call_function_x_1) not found (2013)"}}, "malformed", None),
    ("llama.cpp, arguments it cannot read in what was said (ggml-org/llama.cpp#25510)", 500, {}, {"error": {"code": 500, "message": "Failed to parse tool call arguments as JSON: [json.exception.parse_error.101]", "type": "server_error"}}, "malformed", None),
    ("deep nonsense", 400, {}, {"error": {"message": {"a": 1}, "details": [1, None], "metadata": [], "code": {}}}, "malformed", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "status", "headers", "body", "kind", "wait_s"), BODIES, ids=[b[0] for b in BODIES]
)
def test_it_means(name, status, headers, body, kind, wait_s):
    raw = body if isinstance(body, str) else json.dumps(body)
    error = failure(status, headers, raw.encode(), now=NOW)
    assert (error.kind, error.retry_after_s) == (kind, wait_s)


WAITS = [
    ({"retry-after": "5"}, 5.0),
    ({"retry-after": "0.25"}, 0.25),
    ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
    ({"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT"}, 30.0),
    ({"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT", "date": "Fri, 15 Jan 2027 08:00:10 GMT"}, 20.0),
    ({"retry-after": "Fri, 15 Jan 2027 07:00:00 GMT"}, 0.0),
    ({"retry-after": "-3"}, 0.0),
    ({"retry-after": "nan"}, None),
    ({"retry-after": "inf"}, None),
    ({"retry-after": "soon"}, None),
    ({"retry-after": "99999999999"}, 7 * 86400.0),
    ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s"}, 360.0),
    ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "120ms"}, 0.12),
    ({"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "8h"}, None),
    ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1800000007"}, 7.0),
    ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "17"}, 17.0),
    (
        {
            "anthropic-ratelimit-tokens-remaining": "0",
            "anthropic-ratelimit-tokens-reset": "2027-01-15T08:00:40Z",
        },
        40.0,
    ),
    ({"anthropic-ratelimit-tokens-remaining": "0", "anthropic-ratelimit-tokens-reset": "whenever"}, None),
    ({}, None),
]


@pytest.mark.parametrize(("headers", "wait_s"), WAITS)
def test_the_wait_is_read_in_every_spelling(headers, wait_s):
    found = failure(429, headers, b"", now=NOW).retry_after_s
    assert found == (None if wait_s is None else pytest.approx(wait_s))


def test_the_text_is_short_and_has_no_key():
    body = json.dumps(openai_error("bad key sk-live-abcdefgh123456 and tok3n-of-mine " + "x" * 5000))
    text = str(failure(401, {}, body.encode(), now=NOW, redact=Redactor([Secret("tok3n-of-mine")])))
    assert "sk-live" not in text
    assert "tok3n" not in text
    assert len(text) < 250
