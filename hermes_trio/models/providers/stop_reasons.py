"""Why a provider stopped: what each reason means for the answer, as one table for all of them.

An end that is no good one is never shown as one:

=============  ==========================================================================================
`stop`         a good end
`tool_calls`   a good end, that wants tools
`length`       cut at a limit: its text is told as cut off; a call in it is not made, and is asked for anew
`paused`       the provider stopped to be asked again: it is asked to go on
`refused`      it will not answer: without any text as if the request had been refused, else as cut off
`failed`       it broke down in the midst of it: asked again
none           the stream had no end: its text is told as cut off, a call in it is not made
=============  ==========================================================================================
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

End = Literal["stop", "tool_calls", "length", "paused", "refused", "failed"]

ENDS: tuple[tuple[End, str], ...] = (
    # Gemini: malformed_function_call, other. DeepSeek: insufficient_system_resource. SGLang: abort.
    # GLM: network_error. OpenRouter: error.
    ("failed", r"error|fail|malformed|abort|cancel|insufficient|timeout|unexpected|^other$"),
    # OpenAI, Azure: content_filter. Anthropic: refusal. Gemini: safety, recitation, prohibited_content,
    # blocklist, spii, image_safety. GLM: sensitive.
    ("refused", r"filter|refus|safety|recitation|prohibited|block|spii|sensitive|moderat"),
    ("paused", r"pause"),
    # Anthropic: max_tokens, model_context_window_exceeded. Mistral: model_length. MiniMax: max_output.
    ("length", r"length|max|limit|exceeded|truncat"),
    ("tool_calls", r"tool|function"),
)
"""By the words in a reason, the first that fits. Any other ("stop", "end_turn", "eos") is a good end."""

_WORDS: tuple[tuple[End, re.Pattern[str]], ...] = tuple(
    (end, re.compile(words, re.IGNORECASE)) for end, words in ENDS
)


@lru_cache(maxsize=256)
def end_of(reason: str) -> End:
    """What a provider's reason means."""
    return next((end for end, words in _WORDS if words.search(reason)), "stop")
