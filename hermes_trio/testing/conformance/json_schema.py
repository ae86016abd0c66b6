"""JSON schema, as far as tools use it: whether one is sound, what fits it, and what certainly does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (Mapping,),
    "null": (type(None),),
}
OTHERS: Mapping[str, object] = {
    "string": 7,
    "integer": "seven",
    "number": "seven",
    "boolean": "yes",
    "array": "one",
    "object": "one",
    "null": 7,
}
"""For each type a value that is not of it."""


def faults(schema: Any, where: str = "parameters") -> Iterator[str]:
    """What is wrong with a schema, in words."""
    if not isinstance(schema, Mapping):
        yield f"{where} is no object"
        return
    kinds = _types(schema)
    if unknown := [kind for kind in kinds if kind not in TYPES]:
        yield f"{where}: there is no type {unknown[0]!r}"
    properties = schema.get("properties", {})
    if not isinstance(properties, Mapping):
        yield f"{where}: properties is no object"
        return
    required = schema.get("required", ())
    if not isinstance(required, Sequence) or isinstance(required, str):
        yield f"{where}: required is no list"
    elif missing := [name for name in required if name not in properties]:
        yield f"{where}: {missing[0]!r} is required and not described"
    if "enum" in schema and not schema["enum"]:
        yield f"{where}: enum is empty"
    for name, inner in properties.items():
        yield from faults(inner, f"{where}.{name}")
    if "items" in schema:
        yield from faults(schema["items"], f"{where}[]")


def fits(value: object, schema: Mapping[str, Any]) -> bool:
    """Whether a value is what the schema describes."""
    kinds = _types(schema)
    if kinds and not any(_is(value, kind) for kind in kinds):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = schema.get("minimum", value), schema.get("maximum", value)
        above, below = schema.get("exclusiveMinimum", low - 1), schema.get("exclusiveMaximum", high + 1)
        if not (low <= value <= high and above < value < below):
            return False
    if isinstance(value, list | tuple) and "items" in schema:
        return all(fits(one, schema["items"]) for one in value)
    if isinstance(value, Mapping):
        return _object_fits(value, schema)
    return True


def unfit(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Arguments that the schema refuses, each made of good ones by one change, with what was changed."""
    for name in schema.get("required", ()):
        yield f"without {name}", {key: value for key, value in arguments.items() if key != name}
    for name, inner in schema.get("properties", {}).items():
        kinds = _types(inner)
        if (
            len(kinds) == 1
            and kinds[0] in OTHERS
            and (name in arguments or name in schema.get("required", ()))
        ):
            yield f"{name} is no {kinds[0]}", {**arguments, name: OTHERS[kinds[0]]}
            yield f"{name} is null", {**arguments, name: None}
        if "enum" in inner and name in arguments:
            yield f"{name} is none of its values", {**arguments, name: "none of its values"}
        if "minimum" in inner and name in arguments:
            yield f"{name} is too small", {**arguments, name: inner["minimum"] - 1}
        if "exclusiveMinimum" in inner and name in arguments:
            yield f"{name} is too small", {**arguments, name: inner["exclusiveMinimum"]}
        if "maximum" in inner and name in arguments:
            yield f"{name} is too large", {**arguments, name: inner["maximum"] + 1}
        if "exclusiveMaximum" in inner and name in arguments:
            yield f"{name} is too large", {**arguments, name: inner["exclusiveMaximum"]}


def _types(schema: Mapping[str, Any]) -> tuple[str, ...]:
    kind = schema.get("type", ())
    return (kind,) if isinstance(kind, str) else tuple(kind)


def _is(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, TYPES.get(kind, ()))


def _object_fits(value: Mapping[str, Any], schema: Mapping[str, Any]) -> bool:
    properties: Mapping[str, Any] = schema.get("properties", {})
    if any(name not in value for name in schema.get("required", ())):
        return False
    if schema.get("additionalProperties") is False and set(value) - set(properties):
        return False
    return all(fits(value[name], inner) for name, inner in properties.items() if name in value)
