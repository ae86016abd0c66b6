"""The chat service of a replay: each send ends when and how it ended, with the id it had then."""

from __future__ import annotations

from hermes_trio.errors import SendRefused, SendUnknown
from hermes_trio.testing.memory_platform import MemoryPlatform
from hermes_trio.testing.replay_script import Script
from hermes_trio.text import sentences
from hermes_trio.values.delivery import Capabilities, Delivery, Receipt
from hermes_trio.values.identity import Policy
from hermes_trio.values.recording import RecordedPart


class ReplayPlatform(MemoryPlatform):
    """A MemoryPlatform that follows a script as long as what is said is what was said."""

    def __init__(self, script: Script, capabilities: Capabilities | None, policy: Policy | None) -> None:
        key = script.recording.key
        super().__init__(key.platform, key.account, capabilities=capabilities, policy=policy)
        self._script = script
        self._unsaid = list(script.recording.said)
        self._known: dict[str, RecordedPart] = {}
        self._tried: set[str] = set()

    async def deliver(self, delivery: Delivery) -> Receipt:
        """See the port."""
        part = self._recorded(delivery)
        if part is None or self._script.live.is_set():
            return await super().deliver(delivery)
        receipt = await super().deliver(delivery)
        if part.state == "unknown":
            raise SendUnknown(part.why or "no answer came")
        if part.state == "failed":
            await self._script.not_before(part.sent_at)
            raise SendRefused(part.why or "refused", "gone" if "gone" in part.why else "other")
        if part.sent_at is None:
            await self._script.never()
        await self._script.not_before(part.sent_at)
        return self._with_its_id(receipt, part)

    def _recorded(self, delivery: Delivery) -> RecordedPart | None:
        """The part that this is, the same for each try of it."""
        if delivery.op != "send" or delivery.part is None:
            return None
        row = delivery.key
        if row not in self._known:
            text = delivery.part.text.removesuffix(f" {sentences.MARK}")
            for part in self._unsaid:
                if part.said == delivery.said and part.text.rstrip() == text.rstrip():
                    self._unsaid.remove(part)
                    self._known[row] = part
                    break
        return self._known.get(row)

    def _with_its_id(self, receipt: Receipt, part: RecordedPart) -> Receipt:
        if part.message_id is None or receipt.message_id is None:
            return receipt
        self.seen = {
            part.message_id if id == receipt.message_id else id: seen for id, seen in self.seen.items()
        }
        self.seen[part.message_id].message_id = part.message_id
        return Receipt(part.message_id)
