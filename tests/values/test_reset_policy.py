"""When a conversation ends by itself: idle, daily, both, in zones whose clocks change."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.values.reset_policy import ResetPolicy, rule_that_fired

BERLIN, LONDON, SAMOA = "Europe/Berlin", "Europe/London", "Pacific/Apia"


def at(text: str, zone: str = "UTC", fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


@pytest.mark.parametrize(
    ("reset", "last", "now", "fired"),
    [
        ("none", "2026-03-01T12:00", "2030-03-01T12:00", None),
        ("idle", "2026-03-01T12:00", "2026-03-01T12:59", None),
        ("idle", "2026-03-01T12:00", "2026-03-01T13:00", "idle"),
        ("idle", "2026-03-01T03:59", "2026-03-01T04:01", None),
        ("daily", "2026-03-01T03:59", "2026-03-01T03:59:59", None),
        ("daily", "2026-03-01T03:59", "2026-03-01T04:00", "daily"),
        ("daily", "2026-03-01T04:00", "2026-03-01T23:59", None),
        ("daily", "2026-03-01T04:00", "2026-03-02T03:59:59", None),
        ("daily", "2026-03-01T04:00", "2026-03-02T04:00", "daily"),
        ("daily", "2026-03-01T12:00", "2026-03-09T12:00", "daily"),
        ("daily", "2026-02-28T12:00", "2026-03-01T04:00", "daily"),
        # Of two rules the one that came first.
        ("both", "2026-03-01T12:00", "2026-03-01T12:59", None),
        ("both", "2026-03-01T12:00", "2026-03-02T05:00", "idle"),
        ("both", "2026-03-01T03:30", "2026-03-01T05:00", "daily"),
        # A clock that was set back ends nothing.
        ("both", "2026-03-01T12:00", "2026-02-01T12:00", None),
        ("both", "2026-03-01T04:01", "2026-03-01T03:59", None),
    ],
)
def test_the_rules(reset, last, now, fired):
    policy = ResetPolicy(reset, 3600, "04:00", ZoneInfo("UTC"))
    assert rule_that_fired(policy, at(last), at(now)) == fired


@pytest.mark.parametrize(
    ("zone", "daily_at", "last", "now", "fired"),
    [
        # The same two instants, and another day where one of them lives.
        ("UTC", "04:00", at("2026-01-01T02:30"), at("2026-01-01T03:30"), None),
        (BERLIN, "04:00", at("2026-01-01T02:30"), at("2026-01-01T03:30"), "daily"),
        ("America/New_York", "23:00", at("2026-01-01T03:30"), at("2026-01-01T04:30"), "daily"),
        # 2026-03-29 has no 02:30 in Berlin: it is reached at 03:30, an hour later on the clock.
        (BERLIN, "02:30", at("2026-03-29T01:59", BERLIN), at("2026-03-29T03:29", BERLIN), None),
        (BERLIN, "02:30", at("2026-03-29T01:59", BERLIN), at("2026-03-29T03:30", BERLIN), "daily"),
        (BERLIN, "02:30", at("2026-03-29T03:31", BERLIN), at("2026-03-30T02:29", BERLIN), None),
        (BERLIN, "02:30", at("2026-03-29T03:31", BERLIN), at("2026-03-30T02:30", BERLIN), "daily"),
        # After the gap 04:00 is 04:00 on the clock.
        (BERLIN, "04:00", at("2026-03-28T23:00", BERLIN), at("2026-03-29T03:59", BERLIN), None),
        (BERLIN, "04:00", at("2026-03-28T23:00", BERLIN), at("2026-03-29T04:00", BERLIN), "daily"),
        # 2026-10-25 has 02:30 twice: the first counts, and only the first.
        (BERLIN, "02:30", at("2026-10-25T02:00", BERLIN), at("2026-10-25T02:30", BERLIN), "daily"),
        (BERLIN, "02:30", at("2026-10-25T02:45", BERLIN), at("2026-10-25T02:31", BERLIN, 1), None),
        (BERLIN, "02:30", at("2026-10-25T02:00", BERLIN, 1), at("2026-10-25T03:00", BERLIN), None),
        (LONDON, "01:30", at("2026-10-25T01:45", LONDON), at("2026-10-25T23:00", LONDON), None),
        (LONDON, "01:30", at("2026-10-25T01:45", LONDON), at("2026-10-26T01:30", LONDON), "daily"),
        # A day that was left out: 2011-12-30 in Samoa.
        (SAMOA, "04:00", at("2011-12-29T12:00", SAMOA), at("2011-12-31T00:30", SAMOA), None),
        (SAMOA, "04:00", at("2011-12-29T12:00", SAMOA), at("2011-12-31T04:00", SAMOA), "daily"),
    ],
)
def test_zones_and_clock_changes(zone, daily_at, last, now, fired):
    assert rule_that_fired(ResetPolicy("daily", 1, daily_at, ZoneInfo(zone)), last, now) == fired


@given(
    st.sampled_from([BERLIN, LONDON, SAMOA, "Australia/Lord_Howe", "America/St_Johns", "UTC"]),
    st.times().map(lambda t: f"{t.hour:02}:{t.minute:02}"),
    st.floats(1.2e9, 2e9),
    st.floats(0, 10 * 86400),
)
def test_a_day_has_one_end(zone, daily_at, last, later):
    """Somebody who writes every minute is reset once in a day, and after two days everybody is."""
    policy = ResetPolicy("daily", 1, daily_at, ZoneInfo(zone))
    fired = rule_that_fired(policy, last, last + later)
    if later < 60:
        again = rule_that_fired(policy, last + later, last + later + 3600 * 20)
        assert not (fired and again)
    if later > 2 * 86400 + 3600:
        assert fired == "daily"
