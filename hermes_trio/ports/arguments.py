"""The arguments of a tool as a struct: what the model is told of them, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)


def parameters_of(kind: type[msgspec.Struct]) -> Mapping[str, Any]:
    """The JSON schema of a tool's arguments, from the fields of a struct and what their `Meta` says."""
    _, components = msgspec.json.schema_components([kind])
    schema: Mapping[str, Any] = components[kind.__name__]
    return {name: value for name, value in schema.items() if name not in ("title", "description")}


def arguments_of(kind: type[T], given: Mapping[str, Any]) -> T:
    """A tool's arguments as a struct. A number or a yes or no that a model has written as a text is read.

    Raises:
        ValueError: they are not what the struct says; the text tells the model what is wrong.
    """
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None
