"""Every key of a TOML text is found, and its line."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hermes_trio.config.toml_lines import toml_lines

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=150)

EXAMPLE = """\
# a comment with [brackets] and key = "value"
top = 1

[gateway]
busy = "a # that is no comment"
text = \"\"\"
[not.a.table]
key = 'no key' \\"\"\"\"

long = '''
a = 1'''
"quoted key".'b.c' . d = 2   # dotted
[ gateway . "sub table" ]
x=1
[[model.fallback]]
name = "a"
[[model.fallback]]
keys = [
  "env:A",  # one

  'file:B]',
]
[model.fallback.deep]
date = 1979-05-27 07:32:00
[model]
inline = { a = 1, "b" = [ {c = 2}, [ 3,
   4 ] ] }
"""


def test_every_line_of_an_example():
    assert toml_lines(EXAMPLE) == {
        ("top",): 2,
        ("gateway",): 4,
        ("gateway", "busy"): 5,
        ("gateway", "text"): 6,
        ("gateway", "long"): 10,
        ("gateway", "quoted key"): 12,
        ("gateway", "quoted key", "b.c"): 12,
        ("gateway", "quoted key", "b.c", "d"): 12,
        ("gateway", "sub table"): 13,
        ("gateway", "sub table", "x"): 14,
        ("model",): 25,
        ("model", "fallback"): 15,
        ("model", "fallback", 0): 15,
        ("model", "fallback", 0, "name"): 16,
        ("model", "fallback", 1): 17,
        ("model", "fallback", 1, "keys"): 18,
        ("model", "fallback", 1, "keys", 0): 19,
        ("model", "fallback", 1, "keys", 1): 21,
        ("model", "fallback", 1, "deep"): 23,
        ("model", "fallback", 1, "deep", "date"): 24,
        ("model", "inline"): 26,
        ("model", "inline", "a"): 26,
        ("model", "inline", "b"): 26,
        ("model", "inline", "b", 0): 26,
        ("model", "inline", "b", 0, "c"): 26,
        ("model", "inline", "b", 1): 26,
        ("model", "inline", "b", 1, 0): 26,
        ("model", "inline", "b", 1, 1): 27,
    }


def paths(data, path=()):
    """Every table, key and item of parsed TOML."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from paths(value, (*path, key))


keys = st.sampled_from(["a", "b-c", "3", '"q.r"', "'s \"t'", '"\\u00e9"', "a.b", "x . 'y'"])
noise = st.sampled_from(["", "  ", "# no = 1", "# '''", "\r"])
numbers = st.sampled_from(["1", "-0.5e3", "true", "1979-05-27T07:32:00Z"])
strings = st.sampled_from(['"#"', '"\\""', "'\\'", '""', '"]}"'])
long_strings = st.sampled_from(['"""a\n[t]\nk=1"""', "''''''", '"""\\""""""', "'''\n'q''''"])
scalars = numbers | strings | long_strings
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[" + "".join(f"\n {i} , # ]\n" for i in items) + "]")
        | st.lists(inner, max_size=3).map(
            lambda items: "{" + ", ".join(f"k{n} = {i}" for n, i in enumerate(items)) + "}"
        )
    ),
    max_leaves=6,
)
statements = st.one_of(
    st.builds("{} = {}".format, keys, values),
    st.builds(" [{}] # here".format, keys),
    st.builds("[[ {} ]]".format, keys),
    noise,
)


def parsed(text):
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


@repeatable
@given(st.lists(statements, max_size=12))
def test_what_tomllib_reads_is_found_and_nothing_else(lines):
    """Statements that do not fit what stands before them are left out."""
    text = ""
    for line in lines:
        longer = f"{text}{line}\n"
        text = longer if parsed(longer) is not None else text
    assert set(toml_lines(text)) == set(paths(parsed(text)))


@repeatable
@given(st.lists(values, min_size=1, max_size=8), st.integers(0, 3))
def test_a_key_stands_on_the_line_it_is_written_on(contents, gap):
    text, expected = "[t]\n", {}
    for number, value in enumerate(contents):
        text += "\n" * gap
        expected["t", f"key{number}"] = text.count("\n") + 1
        text += f"key{number} = {value}\n"
    assert {path: line for path, line in toml_lines(text).items() if len(path) == 2} == expected


@pytest.mark.parametrize(
    "rest", ["b = ", "b = [1", 'b = "x', "b 3", "[b", "[[b]", "= 1", "b = {c", '"\\q" = 1']
)
def test_what_is_not_toml_ends_the_reading_and_keeps_what_came_before(rest):
    assert toml_lines(f"a = 1\n{rest}")["a",] == 1


@repeatable
@given(st.text(alphabet="ab.='\"[]{}#,\n \\", max_size=60))
def test_no_text_makes_it_fail_or_hang(text):
    assert all(1 <= line <= text.count("\n") + 1 for line in toml_lines(text).values())
