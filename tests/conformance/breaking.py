"""What breaks a clause each, and what stands between a broken platform and its intake."""

from __future__ import annotations

from tests.conformance.memory_side import Line


class Breaks(list):
    """Platforms that break a clause each: its name, the class, and the capabilities of the service."""

    def __call__(self, clause, **capabilities):
        """The class that this decorates breaks the clause of this name."""

        def keep(kind):
            self.append((clause, kind, capabilities))
            return kind

        return keep


class Heard:
    """An Intake in front of another: what a broken `serve` makes of it."""

    def __init__(self, intake):
        self.intake, self.cursor = intake, intake.cursor

    async def accept(self, updates, *, cursor=None):
        await self.intake.accept(updates, cursor=cursor)

    def received(self):
        self.intake.received()

    def reachable(self, chat):
        self.intake.reachable(chat)

    def failed(self, why):
        self.intake.failed(why)


def heard_by(kind):
    """`serve` that hands what it hears to this kind of intake, in front of its own."""

    async def serve(self, intake):
        await Line.serve(self, kind(intake))

    return serve
