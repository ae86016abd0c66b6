"""A struct filled from a table somebody wrote by hand, and everything that is wrong with the table."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from hermes_trio.config.toml_lines import Path
from hermes_trio.text.nearest import nearest

T = TypeVar("T", bound=Struct)
Hook = Callable[[type, Any], Any]

_WORDS = {
    "`int | str`": "a whole number or text",
    "`float`": "a number",
    "`int`": "a whole number",
    "`str`": 'text in "quotes"',
    "`bool`": "true or false",
    "`array`": "a list in [ ]",
    "`object`": "a table",
    "`datetime`": "a date and time",
    "`date`": "a date",
    "`time`": "a time",
    "`null`": "nothing",
}


class NotGiven(ValueError):
    """This process is not given what is named; another may be."""


class Problem(Struct, frozen=True):
    """One thing that is wrong, and the place it is wrong at."""

    path: Path
    text: str
    of_this_process: bool = False
    """Another process may be given what this one is not."""


class Filling:
    """Fills structs and collects what is wrong, instead of stopping at the first.

    Args:
        hook: makes a value of a type that TOML has not (msgspec's `dec_hook`); a ValueError's text is
            shown to the operator, so it holds no secret.
    """

    def __init__(self, hook: Hook) -> None:
        self.problems: list[Problem] = []
        self.known: set[Path] = set()
        self._hook = hook

    def knows(self, kind: type[Struct], path: Path) -> None:
        """Remember `path` and the keys of `kind` below it, for "it belongs in" hints."""
        self.known.add(path)
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        self.known |= {(*path, name) for name in fields}
        for name, field in fields.items():
            for item in get_args(field.type):
                if isinstance(item, type) and issubclass(item, Struct):
                    inner = {one.encode_name for one in msgspec.structs.fields(item)}
                    self.known |= {(*path, name, key) for key in inner - fields.keys()}

    def fill(self, kind: type[T], table: object, path: Path) -> T | None:
        """`kind` filled from `table`, None if anything in it was wrong (then `problems` says what).

        What was noted as wrong before is not looked at again; everything else is.
        """
        if not isinstance(table, Mapping):
            self.wrong(path, f"must be a table: [{dotted(path)}]")
            return None
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        for key in table:
            if key not in fields:
                self.unknown_key((*path, key), fields)
        values: dict[str, Any] = {}
        for key, field in fields.items():
            if key in table:
                values[field.name] = self._value(field.type, table[key], (*path, key))
            elif field.required:
                self.wrong((*path, key), "is missing and has no default")
        own = {(*path, key) for key in (*table, *fields)}
        is_wrong = any(problem.path[: len(path) + 1] in own for problem in self.problems)
        return None if is_wrong else self._made(kind, values, path)

    def wrong(self, path: Path, text: str) -> None:
        """Note that something is wrong at `path`."""
        self.problems.append(Problem(path, text))

    def unknown_key(self, path: Path, valid: Iterable[str]) -> None:
        """Note that there is no key like the last part of `path`, and which was probably meant."""
        word, own = str(path[-1]), sorted(valid)
        homes = sorted(known[:-1] for known in self.known if known[-1] == word)
        if homes:
            named = (f"in [{dotted(home)}]" if home else "at the top level" for home in homes)
            hint = f"it belongs {' or '.join(named)}"
        elif meant := nearest(word, own):
            hint = f"did you mean {meant}?"
        elif meant := nearest(word, (str(known[-1]) for known in self.known)):
            hint = f"did you mean {min(dotted(known) for known in self.known if known[-1] == meant)}?"
        else:
            hint = f"valid here: {', '.join(own) or 'nothing'}"
        self.wrong(path, f"unknown key; {hint}")

    def unknown_name(self, path: Path, what: str, word: str, valid: Iterable[str]) -> None:
        """Note that nothing of the kind `what` is called `word`, and which was probably meant."""
        meant = nearest(word, valid)
        hint = f"did you mean {meant}?" if meant else f"there are: {', '.join(sorted(valid)) or 'none'}"
        self.wrong(path, f"unknown {what}; {hint}")

    def _made(self, kind: type[T], values: dict[str, Any], path: Path) -> T | None:
        try:
            return kind(**values)
        except (ValueError, TypeError) as error:
            text = str(error)
            found = {key: re.search(rf"\b{re.escape(key)}\b", text) for key in values}
            named = sorted((match.start(), key) for key, match in found.items() if match)
            spot = (*path, *(key for _, key in named[:1]))
            self.wrong(spot, text.removeprefix(f"{spot[-1]}").lstrip(": ") if named else text)
            return None

    def _value(self, declared: Any, value: object, path: Path) -> Any:
        if any(problem.path == path for problem in self.problems):
            return None
        kind = get_args(declared)[0] if get_origin(declared) is Annotated else declared
        if isinstance(kind, type) and issubclass(kind, Struct):
            return self.fill(kind, value, path)
        if get_origin(kind) in (tuple, list) and get_args(declared)[1:] in ((...,), ()):
            return get_origin(kind)(self._items(get_args(kind)[0], value, path))
        if isinstance(value, float) and not math.isfinite(value):
            self.wrong(path, "must be a finite number")
            return None
        try:
            return msgspec.convert(value, declared, dec_hook=self._hook)
        except msgspec.ValidationError as error:
            of_this_process = isinstance(error.__cause__, NotGiven)
            self.problems.append(Problem(path, _refusal(declared, value, str(error)), of_this_process))
            return None

    def _items(self, kind: Any, value: object, path: Path) -> list[Any]:
        if isinstance(value, list):
            return [self._value(kind, each, (*path, index)) for index, each in enumerate(value)]
        tables = isinstance(kind, type) and issubclass(kind, Struct)
        self.wrong(
            path, f"must be a list of tables: [[{dotted(path)}]]" if tables else "must be a list in [ ]"
        )
        return []


def dotted(path: Path) -> str:
    """A path as it is written in TOML: `model.fallback[0].name`."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            bare = re.fullmatch(r"[A-Za-z0-9_-]+", key)
            text += ("." if text else "") + (key if bare else '"{}"'.format(key.replace('"', '\\"')))
    return text


def _refusal(declared: Any, value: object, text: str) -> str:
    """msgspec's text in an operator's words; a Meta's description says it better."""
    if get_origin(declared) is Literal and isinstance(value, str):
        return _one_of(get_args(declared), value)
    for meta in get_args(declared)[1:]:
        if isinstance(meta, Meta) and meta.description:
            return f"must be {meta.description}"
    for name, plain in _WORDS.items():
        text = text.replace(name, plain)
    return text.replace("Expected", "must be").replace(", got", ", not").replace(" - at `$", " at `")


def _one_of(valid: tuple[Any, ...], value: str) -> str:
    meant = nearest(value, [str(name) for name in valid])
    named = ", ".join(f'"{name}"' for name in valid)
    return f"must be one of {named}" + (f'; did you mean "{meant}"?' if meant else "")
