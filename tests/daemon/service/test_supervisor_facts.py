"""Who starts the daemon again, read off its environment."""

from __future__ import annotations

import pytest

from hermes_trio.daemon.service.supervisor_facts import span_s, supervisor_of, unit_of


@pytest.mark.parametrize(
    ("environ", "parent", "by"),
    [
        ({}, "bash", None),
        ({}, "systemd", None),  # an orphan's parent, too
        ({}, "runsv", "runsv"),
        ({}, "s6-supervise", "s6-supervise"),
        ({}, "supervisord", "supervisord"),
        ({"NOTIFY_SOCKET": "/run/systemd/notify"}, "systemd", "systemd"),
        ({"SYSTEMD_EXEC_PID": "42"}, "systemd", "systemd"),
        ({"SYSTEMD_EXEC_PID": "41"}, "bash", None),  # a shell in a terminal that systemd started
        ({"INVOCATION_ID": "1b6ffaf5"}, "bash", None),
        ({"HERMES_TRIO_SUPERVISED": "1"}, "sh", "HERMES_TRIO_SUPERVISED"),
        ({"HERMES_TRIO_SUPERVISED": "0"}, "runsv", None),
        ({"HERMES_TRIO_SUPERVISED": "0", "NOTIFY_SOCKET": "@x"}, "systemd", None),
    ],
)
def test_who_starts_it_again(environ, parent, by):
    assert supervisor_of(environ, 42, parent) == by


@pytest.mark.parametrize("told", ["", "yes", "2"])
def test_the_variable_says_one_or_the_other(told):
    with pytest.raises(ValueError, match="HERMES_TRIO_SUPERVISED: must be 1 or 0"):
        supervisor_of({"HERMES_TRIO_SUPERVISED": told}, 42, "sh")


@pytest.mark.parametrize(
    ("cgroup", "unit"),
    [
        ("0::/system.slice/hermes-trio.service\n", "hermes-trio.service"),
        ("0::/system.slice/hermes-trio.service/below\n", "hermes-trio.service"),
        ("0::/user.slice/user-1.slice/user@1.service/app.slice/bot.service\n", "bot.service"),
        ("1:name=systemd:/system.slice/bot@two.service\n0::/\n", "bot@two.service"),
        ("0::/user.slice/user-1.slice/session-2.scope\n", None),
        ("0::/\n", None),
        ("", None),
    ],
)
def test_the_unit_of_a_process(cgroup, unit):
    assert unit_of(cgroup) == unit


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("42s\n", 42),
        ("1min 30s", 90),
        ("1h 500ms", 3600.5),
        ("2d", 172800),
        ("infinity", None),
        ("0", None),
        ("", None),
        ("soon 5s", None),
    ],
)
def test_times_as_systemd_prints_them(text, seconds):
    assert span_s(text) == seconds
