"""Which addresses Telegram makes a link of. Another one in a text_link costs the whole message. Pure."""

from __future__ import annotations

import re

# As tdlib's LinkManager::check_link: http, https or tg; a host with a dot in it, or an IPv6 address; a port
# that is one. What it takes beside these is not worth the risk.
_WEB = re.compile(
    r"https?://(?:[^\s/?#@\[\]]*@)?"
    r"(?:[^\s/?#@:\[\]%\"'<>\\^`{|}]*[^\s/?#@:\[\]%\"'<>\\^`{|}.]\.[^\s/?#@:\[\]%\"'<>\\^`{|}]+|\[[0-9a-f:.]+\])"
    r"(?::([0-9]{1,5}))?(?:[/?#]\S*)?",
    re.IGNORECASE,
)
_APP = re.compile(r"tg://[a-z0-9_-]+(?:[/?#]\S*)?", re.IGNORECASE)
URL_MAX = 2048


def takes_link(url: str) -> bool:
    """Whether an address may stand behind words."""
    if len(url) > URL_MAX:
        return False
    web = _WEB.fullmatch(url)
    if web is not None:
        return web[1] is None or 0 < int(web[1]) < 65_536
    return _APP.fullmatch(url) is not None
