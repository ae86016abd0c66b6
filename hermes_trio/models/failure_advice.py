"""What a failed call tells an operator beside the provider's words: what was asked, and the likely mend."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

from hermes_trio.errors import ModelFailed, ModelFailure
from hermes_trio.models.errors import is_wordless

NOBODY = frozenset({404, 405, 410, 501})
"""What servers say where they have nothing of the kind."""

EMPTY = "are `provider` and the `name` of the model right, and is it one for chats?"
"""The likely mend of an answer with nothing in it."""

NO_PLACE = re.compile(r"unexpected endpoint|no route|unknown (route|endpoint|path)|it is at ", re.IGNORECASE)
"""How others say it: LM Studio with 200; a server that has moved."""

NO_SERVER = re.compile(r"^(Connect\w*|UnsupportedProtocol)\b")
"""How the HTTP client says that it did not get as far as a server."""

SILENT = "silent for too long"
"""What a call failed with that got nothing within its deadline."""

ASKED = re.compile(r"/chat/completions$|/messages$")
"""What a provider adds to the base of its address."""

VERSION = re.compile(r"/v\d")
TOO_LONG = re.compile(r"(?P<version>/v\d\w*)(?P=version)+$|((/chat)?/completions|/messages|/responses)$")
"""Bases with more than their beginning: the version twice, or what is asked for."""

OF_KIND: dict[ModelFailure, str] = {
    "auth": "is it a key of this service, whole and still valid?",
    "quota": "the account needs credit there, or `keys` another key, or `[[model.fallback]]` another model",
    "rate_limit": "another key in `keys`, or a model in `[[model.fallback]]`, is asked meanwhile",
}


def explained(error: ModelFailed, url: str, model: str) -> ModelFailed:
    """The same failure, whose `why` also says what was asked and the likely mend."""
    why = f"{error.why} {asked(url, model, likely_mend(error, url, model))}"
    return ModelFailed(
        error.kind, why, retry_after_s=error.retry_after_s, status=error.status, said=error.said
    )


def asked(url: str, model: str, mend: str) -> str:
    """What was asked, and the likely mend if there is one, in parentheses."""
    return f"(asked {_shown(url)} for {model}{'; ' if mend else ''}{mend})"


def likely_mend(error: ModelFailed, url: str, model: str) -> str:
    """What is most likely meant where a call failed so; "": nothing of the configuration is suspected."""
    if is_not_found(error):
        return _of_address(error, _shown(url), model)
    if error.why.startswith(SILENT):
        return "is it up, or still loading its model? `first_byte_s` says how long it may be silent"
    if error.kind == "transport" and NO_SERVER.search(error.why):
        return "does a server listen there, and is `base_url` right?"
    if error.kind == "malformed" and error.status is not None and is_wordless(error.said):
        return "it gives no reason: are `provider` and the `name` of the model right?"
    return OF_KIND.get(error.kind, "")


def is_not_found(error: ModelFailed) -> bool:
    """Whether there is nothing of the kind where it was asked: no such address, or no such model."""
    return error.status in NOBODY or NO_PLACE.search(error.why) is not None


def _of_address(error: ModelFailed, url: str, model: str) -> str:
    base = ASKED.sub("", url)
    if "model" in error.said.lower() or model in error.said:
        return "is the `name` of the model right?"
    if (shorter := TOO_LONG.sub(r"\g<version>", base)) != base:
        return f"is `base_url` {shorter}?"
    if VERSION.search(base) is None:
        return f"is `base_url` {base}/v1?"
    return "are `base_url`, `provider` and the `name` of the model right?"


def _shown(url: str) -> str:
    """An address without what may be secret in it: a name and password before its host, a query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
