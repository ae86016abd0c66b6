"""A store that was moved elsewhere: nobody goes on with the copy that stayed, or all would happen twice."""

from __future__ import annotations

_AWAY = "moved to "


def away(where: str) -> str:
    """What the store that stays is marked with, in the column `mark.place`.

    Args:
        where: what the store is in now, without a password.
    """
    return f"{_AWAY}{where}"


def refusal(place: object, mend: str) -> str | None:
    """Why a store with this place is not opened; None: it is.

    Args:
        mend: how a configuration names the other store.
    """
    if not isinstance(place, str) or not place.startswith(_AWAY):
        return None
    return (
        f"it was {place}, which goes on from there; what is here is only a copy:"
        f" {mend}, or move it back with hermes-trio move"
    )
