"""The public names say what a user has to know, and the page that is made of them has each."""

from __future__ import annotations

import builtins
import collections.abc
import contextlib
import inspect
import re
import typing
from typing import Annotated, get_origin

import pytest

from hermes_trio.config import options
from tests.documents import pages, reference

PAGE = reference.page()
ELSEWHERE = """
Path Raw Struct T SSLContext Connection Store SqliteStore RunBlocking Log Reply Response KeptConnections
Incarnation Pool AgentSetup TurnT Moment Who Fault Finish
"""
"""Types of signatures that are no public names: made by the gateway, or given as something simpler."""
STANDARD = {*vars(builtins), *vars(collections.abc), *vars(contextlib), *vars(typing)}
RANGES = {name: one for name, one in vars(options).items() if get_origin(one) is Annotated}
NAMES = reference.names()


def described():
    """Every public name that is a class or a function, and each member of a class."""
    for named in NAMES:
        if inspect.isclass(named.what) or inspect.isfunction(named.what):
            yield named.name, named.what, None
        for name, what in reference.members(named):
            yield f"{named.name}.{name}", what, named.what


EACH = list(described())


def test_each_name_is_there_once():
    shown = re.findall(r"^### (\w+)$", PAGE, re.MULTILINE)
    assert sorted(shown) == sorted(one.name for one in NAMES)


@pytest.mark.parametrize(("name", "what", "home"), EACH, ids=[name for name, *_ in EACH])
def test_it_says_what_it_promises(name, what, home):
    assert (what.__doc__ or "").strip(), name


def port_of(name):
    """The same method of the port that a docstring points to."""
    return [
        vars(one.what)[name].__doc__ or ""
        for one in NAMES
        if getattr(one.what, "_is_protocol", False) and name in vars(one.what)
    ]


def says_what_a_cancel_leaves(name, what, home):
    docs = [what.__doc__ or "", (home.__doc__ or "") if home else ""]
    if re.search(r"[Ss]ee the (\w+ )?port", docs[0]):
        docs += port_of(name.rpartition(".")[2])
    return any("ancel" in doc for doc in docs)


WAITING = [one for one in EACH if not isinstance(one[1], property) and reference.is_async(one[1])]


@pytest.mark.parametrize(("name", "what", "home"), WAITING, ids=[name for name, *_ in WAITING])
def test_a_coroutine_says_what_a_cancel_leaves_behind(name, what, home):
    assert says_what_a_cancel_leaves(name, what, home)


def test_one_that_does_not_say_it_is_found():
    async def waits():
        """Wait."""

    assert not says_what_a_cancel_leaves("waits", waits, None)


def test_every_type_that_a_signature_names_is_public():
    known = {one.name for one in NAMES} | {*ELSEWHERE.split()} | STANDARD
    signatures = "\n".join(re.findall(r"^```py\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
    plain = re.sub(r"\"[^\"]*\"|#.*|b''", "", signatures)
    used = set(re.findall(r"\b[A-Z]\w+", plain))
    assert used - known - RANGES.keys() == set()


def test_the_head_says_what_the_ranges_of_numbers_are():
    told = pages.read("docs/reference.md")
    for name, range_ in RANGES.items():
        assert f"`{name}` is {range_.__metadata__[0].description}" in " ".join(told.split())


def undescribed(what):
    """Parameters and fields of which nothing is said."""
    if inspect.isclass(what):
        fields = getattr(what, "__struct_fields__", None)
        names = fields or [one.partition(":")[0] for one in reference.parameters(what.__init__)]
    else:
        names = [re.split(r"[:= ]", one)[0] for one in reference.parameters(inspect.unwrap(what))]
    return [name for name in names if not re.search(rf"\b{name.strip('*')}\b", what.__doc__ or "")]


MANY = 2
"""So few parameters may speak for themselves."""


@pytest.mark.parametrize(("name", "what", "home"), EACH, ids=[name for name, *_ in EACH])
def test_what_takes_much_says_what(name, what, home):
    if isinstance(what, property) or getattr(what, "_is_protocol", False) or name in reference.MADE_FOR_YOU:
        return
    if re.search(r"[Ss]ee the (\w+ )?port", what.__doc__):
        return
    if len(missing := undescribed(what)) > MANY:
        pytest.fail(f"{name} does not say what {', '.join(missing)} are")
