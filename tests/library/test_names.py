"""The public names: each can be had, says what it promises, and is known to type checkers."""

import ast
import inspect
import itertools
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import hermes_trio


@pytest.mark.parametrize("name", hermes_trio.__all__)
def test_every_public_name_can_be_had(name):
    assert getattr(hermes_trio, name) is not None
    assert getattr(hermes_trio, name) is getattr(hermes_trio, name)


@pytest.mark.parametrize("name", hermes_trio.__all__)
def test_every_public_name_says_what_it_promises(name):
    value = getattr(hermes_trio, name)
    if isinstance(value, type) or inspect.isfunction(value):
        own = vars(value).get("__doc__") if isinstance(value, type) else value.__doc__
        assert own, name
        assert own.split("\n")[0].rstrip().endswith((".", ":")), own
    else:
        # An alias has no docstring of its own: a text stands below it.
        assert _text_below(name), name


def _text_below(name):
    module = import_module(hermes_trio._HOME[name][0])
    for source in {
        module,
        *(import_module(m) for m in ("hermes_trio.values.message", "hermes_trio.values.transcript")),
    }:
        body = ast.parse(inspect.getsource(source)).body
        for statement, after in itertools.pairwise(body):
            named = isinstance(statement, ast.Assign) and [ast.unparse(t) for t in statement.targets] == [
                name
            ]
            if named and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                return after.value.value
    return None


@pytest.mark.parametrize(
    "name", [n for n in hermes_trio.__all__ if isinstance(getattr(hermes_trio, n), type)]
)
def test_every_public_method_of_it_does_too(name):
    value = getattr(hermes_trio, name)
    public = [m for n, m in vars(value).items() if not n.startswith("_") and inspect.isfunction(m)]
    assert [m.__name__ for m in public if not m.__doc__] == []


def test_dir_lists_them_and_nothing_else():
    assert dir(hermes_trio) == sorted(hermes_trio.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="Nonsense"):
        hermes_trio.Nonsense  # noqa: B018


def test_type_checkers_see_every_name():
    tree = ast.parse(Path(hermes_trio.__file__).read_text())
    [block] = [node for node in tree.body if isinstance(node, ast.If)]
    seen, starred = set(), set()
    for node in block.body:
        if isinstance(node, ast.Assign):
            seen |= {target.id for target in node.targets}
            continue
        for alias in node.names:
            if alias.name == "*":
                starred.add(node.module)
            else:
                seen.add(alias.asname or alias.name)
    for module in starred:
        seen |= {name for name in vars(import_module(module)) if not name.startswith("_")}
    assert set(hermes_trio.__all__) - seen == set()


def test_the_errors_are_all_there():
    from hermes_trio import errors

    classes = {n for n, v in vars(errors).items() if isinstance(v, type) and issubclass(v, Exception)}
    assert classes - set(hermes_trio.__all__) == set()


def test_importing_it_imports_nothing_that_costs():
    code = "import sys, hermes_trio; print([m for m in ('trio', 'httpx', 'structlog') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
