"""A provider that another package brings is named in the configuration, and answers."""

from __future__ import annotations

import pytest

CONFIG = '[platforms.terminal]\n[model]\nprovider = "backwards"\n'
OFFERS = "[hermes_trio.providers]\nbackwards = backwards_models:provider\n"
PROVIDER = """
from hermes_trio import ModelAnswer, ModelProvider, UserEntry


class Backwards:
    name = "backwards"
    needs_key = False

    def __init__(self, context):
        self.ends_with = context.name

    async def complete(self, request, *, key, on_text):
        said = [entry.text for entry in request.entries if isinstance(entry, UserEntry)]
        return ModelAnswer(text=f"{said[-1][::-1]} {self.ends_with}")


async def make(context):
    return Backwards(context)


provider = ModelProvider(make=make, name="!")
"""


@pytest.fixture
def installed(tmp_path):
    """Install a package with this module in it; returns what the environment needs for it."""

    def installed(text):
        info = tmp_path / "packages" / "backwards_models-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: backwards-models\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(OFFERS)
        (info.parent / "backwards_models.py").write_text(text)
        (tmp_path / "hermes.toml").write_text(CONFIG)
        return {"PYTHONPATH": str(info.parent), "HERMES_TRIO_CONFIG": str(tmp_path / "hermes.toml")}

    return installed


async def test_it_answers_with_what_its_table_need_not_say(run, installed):
    done = await run("run", stdin=b"drawer\n", **installed(PROVIDER))
    assert (done.returncode, done.stdout) == (0, "reward !\n"), done.stderr


async def test_check_knows_it(run, installed):
    done = await run("check", **installed(PROVIDER))
    assert done.returncode == 0, done.stderr
    assert "backwards/!" in done.stdout


async def test_check_names_one_that_cannot_be_imported_and_what_to_install(run, installed, tmp_path):
    done = await run("check", **installed("import wings\n"))
    assert done.returncode == 78
    assert (
        f"{tmp_path}/hermes.toml:3: model.provider: cannot be imported: it needs the module wings; "
        "run: pip install --upgrade backwards-models" in done.stderr
    )


async def test_check_names_one_that_is_not_installed(run, tmp_path):
    (tmp_path / "hermes.toml").write_text(CONFIG)
    done = await run("check", HERMES_TRIO_CONFIG=str(tmp_path / "hermes.toml"))
    assert done.returncode == 78
    assert (
        "hermes.toml:3: model.provider: unknown provider; there are: anthropic, echo, openai" in done.stderr
    )
