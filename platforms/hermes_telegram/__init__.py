"""Telegram through the Bot API, by long polling.

options.py   the section [platforms.telegram]
account.py   the Platform: one bot
serve.py     receiving: the poll loop
probe.py     trying a bot without receiving
refusal.py   what a refusal means for the account
wire.py      update JSON -> Message
entities.py  people, and stretches of text in UTF-16 units, both ways
marks.py     links, code and quotes of what comes, written into its text
spoken.py    to whom a text speaks
context.py   what a message answers, quotes, and was forwarded from
anonymous.py in whose name a button is pressed
links.py     which addresses Telegram makes a link of
content.py   what a message without text holds
calls.py     Delivery -> Bot API call, and what its answer means
answer.py    the answer itself
menu.py      commands -> the client's menu
api.py       one HTTP call
mend.py      broken characters in what comes
"""

from __future__ import annotations

from hermes_telegram.account import Telegram
from hermes_telegram.options import Options
from hermes_trio import Adapter, AdapterContext

__all__ = ["Options", "Telegram", "adapter"]


def build(options: Options, account: str, context: AdapterContext) -> Telegram:
    """Make the platform of one bot; opens nothing."""
    return Telegram(options, account)


adapter = Adapter(
    name="telegram", options=Options, build=build, alone=lambda options: {"token": options.bot()}
)
