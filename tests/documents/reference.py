"""The public names as a page, made from their docstrings. `make reference` writes it.

What a docstring does not say is not on the page. What holds for all of them is docs/reference.md.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_args

import msgspec

import hermes_trio
from hermes_trio import errors, testing

WIDTH = 100
PAGE = Path(__file__).parents[2] / "build" / "reference.md"
SECTIONS = {
    "A gateway": "open_gateway Gateway GatewayOptions SessionOptions Health StatusView SessionView TurnView"
    " TurnPage StepView TextView ProcessView LedgerRow KeyView FailingModel OutcomeName TurnState ReplyState"
    " KeyState",
    "A turn": "Agent AgentProfile Turn Silence Message Quoted Claimed ConversationKey Address",
    "Tools": "Tool ToolContext Processes Ran ProcessLog",
    "Commands": "Command CommandCall Say Prompt Stop Reset Resume Restart CommandResult installed_commands",
    "Adapters": "Adapter AdapterContext Platform Intake Policy Capabilities Undecodable Delivery DeliveryKind"
    " Part Span Choice Receipt Lane Secret split_markdown units Unit open_http_client HttpClient",
    "Models and keys": "ModelAgent Candidates Candidate KeyPool Strategy RefreshingKey Model ModelProvider"
    " ModelContext ModelRequest ModelAnswer Keepsake ToolSpec ToolCall Entry UserEntry AssistantEntry"
    " ToolEntry NoteEntry SummaryEntry OpenAIModel AnthropicModel EchoModel",
    "What a gateway stands on": "open_sqlite_store MachineClock WallClock Chance"
    " Processes Process Group LeftProcesses",
}
TESTING = {
    "The World": "open_world World WaitedTooLong",
    "Around it": "MemoryPlatform Seen Call ScriptedModel text tool partial fails hangs Line"
    " RecordingTool Effect WorldClock",
    "What happened": "Record Event",
    "Conformance": "check_platform check_store check_model check_tool tool_call check_command check_agent"
    " Service Trouble Provider MakeContext MakeStore Report Skipped Broken Unable",
    "Faults and cuts": "FAULTS Rounds rounds alive seeded_scheduling CrashingStore",
}
MADE_FOR_YOU = {"Gateway", "Turn", "World", "HttpClient"}
"""Classes that nobody makes by hand."""
FOR_THE_GATEWAY = {
    "Gateway": "recording_head recording_rows",
    "SessionOptions": "policy",
    "KeyPool": "lease take has_another worked refused renewed returned unavailable cooldowns recall watched",
    "Candidates": "walk",
    "CrashingStore": "kill",
    "Rounds": "after_io_wait",
    "World": "close",
}
"""Members that one part of the gateway has for another."""
_ITEM = re.compile(r"^    (\S[^:]*?): (.*)$")
_HEADS = {"Args:": "", "Attributes:": "", "Returns:": "Returns", "Raises:": "Raises"}


class Named(NamedTuple):
    """A public name: where it is from, what it is called there, what it is."""

    package: str
    name: str
    what: Any


def names() -> list[Named]:
    """Every public name."""
    ours = [Named("hermes_trio", name, getattr(hermes_trio, name)) for name in hermes_trio.__all__]
    kit = [
        Named("hermes_trio.testing", name, what)
        for name, what in vars(testing).items()
        if not name.startswith("_") and not inspect.ismodule(what)
    ]
    return ours + kit


def is_async(what: Any) -> bool:
    """A coroutine function, or a context manager that is entered with `async with`."""
    plain = inspect.unwrap(what)
    return inspect.iscoroutinefunction(plain) or inspect.isasyncgenfunction(plain)


def members(named: Named) -> Iterator[tuple[str, Any]]:
    """The public methods and properties of a class, but for those that are the gateway's own."""
    if not inspect.isclass(named.what):
        return
    hidden = FOR_THE_GATEWAY.get(named.name, "").split()
    for name, what in vars(named.what).items():
        if name == "__call__" and inspect.isfunction(what) and what.__doc__:
            yield name, what
        if name.startswith("_") or name in hidden:
            continue
        if inspect.isfunction(what) or isinstance(what, property):
            yield name, what


# --- signatures -------------------------------------------------------------------------------------


def annotation(type_: Any) -> str:
    """As it is written in the source."""
    text = type_ if isinstance(type_, str) else inspect.formatannotation(type_)
    return re.sub(r"\bClient\b", "HttpClient", text.replace("'", '"'))


def shown_default(value: Any) -> str:
    if getattr(value, "__name__", "") == "<lambda>":
        return "..."
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, Path):
        return f'Path("{value}")'
    return value.__name__ if inspect.isclass(value) or inspect.isfunction(value) else repr(value)


def joined(head: str, parts: list[str], tail: str = "") -> str:
    """A call: in a line if it fits, else a parameter per line."""
    line = f"{head}({', '.join(parts)}){tail}"
    if len(line) <= WIDTH:
        return line
    return f"{head}(\n" + "".join(f"    {part},\n" for part in parts) + f"){tail}"


def parameters(function: Any) -> list[str]:
    parts, star = [], False
    for one in inspect.signature(function).parameters.values():
        if one.name == "self":
            continue
        if one.kind is one.KEYWORD_ONLY and not star:
            parts.append("*")
            star = True
        text = (
            "*" if one.kind is one.VAR_POSITIONAL else "**" if one.kind is one.VAR_KEYWORD else ""
        ) + one.name
        star = star or one.kind is one.VAR_POSITIONAL
        if one.annotation is not one.empty:
            text += f": {annotation(one.annotation)}"
        if one.default is not one.empty:
            text += f" = {shown_default(one.default)}"
        parts.append(text)
    return parts


def call_of(name: str, function: Any) -> str:
    """The signature of a function or method."""
    plain = inspect.unwrap(function)
    returns = inspect.signature(plain).return_annotation
    tail = "" if returns is inspect.Signature.empty else f" -> {annotation(returns)}"
    if plain is not function and re.search("Iterator|Generator", tail):
        with_ = "async with" if inspect.isasyncgenfunction(plain) else "with"
        given = re.search(r"\[(.*)\]$", tail)[1]
        return joined(f"{with_} {name}", parameters(plain), f" as {given}" if given != "None" else "")
    before = "await " if inspect.iscoroutinefunction(plain) else ""
    return joined(f"{before}{name}", parameters(plain), tail)


def struct_of(name: str, struct: Any) -> str:
    """The fields of a value, in the order in which it takes them."""
    types = {
        key: one
        for kind in reversed(struct.__mro__)
        for key, one in vars(kind).get("__annotations__", {}).items()
    }
    # A Struct does not say which of its fields are keyword-only; its signature does.
    kinds = inspect.signature(struct).parameters
    parts = []
    for field in msgspec.structs.fields(struct):
        text = f"{field.name}: {annotation(types[field.name])}"
        if field.default is not msgspec.NODEFAULT:
            text += f" = {shown_default(field.default)}"
        elif field.default_factory is not msgspec.NODEFAULT:
            text += f" = {field.default_factory()!r}"
        if kinds[field.name].kind is inspect.Parameter.KEYWORD_ONLY and "*" not in parts:
            parts.append("*")
        parts.append(text)
    return joined(name, parts)


def class_of(named: Named) -> str:
    """How it is made, or what it is where nobody makes it."""
    what, name = named.what, named.name
    if isinstance(what, type) and issubclass(what, msgspec.Struct):
        return struct_of(name, what)
    if getattr(what, "_is_protocol", False):
        return f"protocol {name}"
    if name in MADE_FOR_YOU:
        return f"class {name}"
    made = parameters(what.__init__) if "__init__" in vars(what) else []
    if not issubclass(what, Exception):
        return joined(name, made)
    kinds = ", ".join(kind.__name__ for kind in what.__bases__)
    return joined(name, made or ["text: str"], f"  # is a {kinds}")


# --- docstrings -------------------------------------------------------------------------------------


def told(docstring: str) -> str:
    """A docstring as markdown: paragraphs, and lists of what is named."""
    out: list[str] = []
    head = None
    for line in inspect.cleandoc(docstring).splitlines():
        if line in _HEADS:
            # Attributes alone need no head: there is nothing else they could be.
            said = "It has" if line == "Attributes:" and head == "Args:" else _HEADS[line]
            head = line
            out += ["", *([f"{said}:", ""] if said else [])]
        elif head is None or (line and not line.startswith("    ")):
            if head is not None:
                head = None
                out.append("")
            out.append(re.sub(r"^(\w+) {2,}(?=\S)", r"- `\1`: ", line))
        elif head != "Returns:" and (item := _ITEM.match(line)):
            terms = re.sub(r"[\w.*]+", r"`\g<0>`", item[1])
            out.append(f"- {terms}: {item[2]}")
        else:
            out.append(f"  {line.strip()}" if line and head != "Returns:" else line.strip())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(out)).strip()


def fenced(text: str) -> str:
    return f"```py\n{text}\n```"


def entry(named: Named) -> str:
    """All that is said of a public name."""
    what, name = named.what, named.name
    heading = f"### {name}"
    if inspect.isclass(what):
        lines = [heading, fenced(class_of(named)), told(what.__doc__ or "")]
        return "\n\n".join([*lines, *(member(name, one) for name, one in members(named))])
    if inspect.isfunction(what):
        return "\n\n".join([heading, fenced(call_of(name, what)), told(what.__doc__ or "")])
    if isinstance(what, Mapping):
        return f"{heading}\n\n{told(comment_on(named))}"
    kinds = " | ".join(getattr(one, "__name__", shown_default(one)) for one in get_args(what))
    return "\n\n".join([heading, fenced(f"{name} = {kinds}"), told(comment_on(named))])


def member(name: str, what: Any) -> str:
    if isinstance(what, property):
        returns = inspect.signature(what.fget).return_annotation
        return f"{fenced(f'.{name}: {annotation(returns)}')}\n\n{told(what.__doc__ or '')}"
    return f"{fenced(call_of(f'.{name}', what))}\n\n{told(what.__doc__ or '')}"


def comment_on(named: Named) -> str:
    """The text that stands below an assignment in its module."""
    stated = re.compile(
        rf'^{named.name}(?:: .*)? = (?:[^"]|"(?!""))*?\n"""(.*?)"""', re.MULTILINE | re.DOTALL
    )
    for name, module in sorted(sys.modules.items()):
        if name.startswith("hermes_trio") and (found := stated.search(inspect.getsource(module))):
            return found[1]
    return ""


def faults(all_: Mapping[str, Any]) -> str:
    """A table of the faults of a World, each with what it takes."""
    lines = ["| fault | what happens |", "|---|---|"]
    for name, fault in all_.items():
        takes = [part.replace("|", "\\|") for part in parameters(fault)[1:]]
        called = " ".join(f"`{one}`" for one in (name, *takes))
        lines.append(f"| {called} | {inspect.getdoc(fault).splitlines()[0]} |")
    return "\n".join(lines)


def sections(package: str, listed: Mapping[str, str]) -> Iterator[str]:
    here = {one.name: one for one in names() if one.package == package}
    for title, words in listed.items():
        found = [here.pop(word) for word in words.split() if word in here]
        yield "\n\n".join([f"## {title}", *map(entry, found)])
    if package == "hermes_trio":
        kinds = [
            one for one in here.values() if inspect.isclass(one.what) and issubclass(one.what, Exception)
        ]
        tree = (errors.__doc__ or "").partition("\n\n")[2].strip("\n")
        kinds.sort(key=lambda one: inspect.getsourcelines(one.what)[1])
        kinds += [one for one in here.values() if one not in kinds]
        yield "\n\n".join(["## Errors", f"```text\n{tree}\n```", *map(entry, kinds)])
    elif here:
        yield "\n\n".join(["## More of the kit", *map(entry, here.values())])


def page() -> str:
    """The whole page."""
    parts = ["# hermes_trio", *sections("hermes_trio", SECTIONS)]
    parts += ["# hermes_trio.testing", *sections("hermes_trio.testing", TESTING)]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
