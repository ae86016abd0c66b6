"""Which addresses Telegram makes a link of. Another one in a text_link costs the whole message. Pure."""

from __future__ import annotations

import re

# As tdlib's LinkManager::check_link: http, https or tg; a host with a dot in it, or an IPv6 address; a port
# that is one. What it takes beside these is not worth the risk.
_WEB = re.compile(
    r"https?://(?:[^\s/?#@\[\]]*@)?([^\s/?#@:\[\]%\"'<>\\^`{|}]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?(?:[/?#]\S*)?",
    re.IGNORECASE,
)
_DOTTED = re.compile(r"[^.]\..|\[")
_APP = re.compile(r"tg://[a-z0-9_-]+(?:[/?#]\S*)?", re.IGNORECASE)
URL_MAX = 2048
HOST_MAX = 255


def takes_link(url: str) -> bool:
    """Whether an address may stand behind words. Of one with a longer host Telegram would make nothing."""
    if len(url) > URL_MAX:
        return False
    web = _WEB.fullmatch(url)
    if web is not None:
        host, port = web[1], web[2]
        return (
            len(host) <= HOST_MAX and _DOTTED.search(host) is not None and int(port or 1) in range(1, 65_536)
        )
    return _APP.fullmatch(url) is not None
