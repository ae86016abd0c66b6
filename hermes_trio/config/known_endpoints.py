"""Services that are no provider of their own, since they speak OpenAI's protocol: where each is."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SPOKEN = "openai"
"""The provider that speaks to all of them."""

KNOWN_ENDPOINTS: Mapping[str, str] = MappingProxyType(
    {
        "azure": "https://RESOURCE.openai.azure.com/openai/v1",
        "cerebras": "https://api.cerebras.ai/v1",
        "deepseek": "https://api.deepseek.com/v1",
        "fireworks": "https://api.fireworks.ai/inference/v1",
        "gemini": "https://generativelanguage.googleapis.com/v1beta/openai",
        "groq": "https://api.groq.com/openai/v1",
        "huggingface": "https://router.huggingface.co/v1",
        "litellm": "http://localhost:4000/v1",
        "llama.cpp": "http://localhost:8080/v1",
        "lmstudio": "http://localhost:1234/v1",
        "localai": "http://localhost:8080/v1",
        "minimax": "https://api.minimax.io/v1",
        "mistral": "https://api.mistral.ai/v1",
        "moonshot": "https://api.moonshot.ai/v1",
        "nvidia": "https://integrate.api.nvidia.com/v1",
        "ollama": "http://localhost:11434/v1",
        "openrouter": "https://openrouter.ai/api/v1",
        "qwen": "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        "together": "https://api.together.xyz/v1",
        "vllm": "http://localhost:8000/v1",
        "xai": "https://api.x.ai/v1",
        "zai": "https://api.z.ai/api/paas/v4",
    }
)

_ALSO = {
    "chatgpt": "openai",
    "claude": "anthropic",
    "dashscope": "qwen",
    "glm": "zai",
    "google": "gemini",
    "gpt": "openai",
    "grok": "xai",
    "kimi": "moonshot",
    "lm-studio": "lmstudio",
    "llama-cpp": "llama.cpp",
    "llamacpp": "llama.cpp",
}


def how_to_reach(name: str) -> str | None:
    """What to write for a service that is called so, None if nobody here knows it."""
    word = name.casefold().replace("_", "-")
    known = _ALSO.get(word, word)
    if known in KNOWN_ENDPOINTS:
        return f'{name} is reached with provider = "{SPOKEN}", base_url = "{KNOWN_ENDPOINTS[known]}"'
    return f'write provider = "{known}"' if word in _ALSO else None
