import pytest

from tests.daemon.conftest import Place as Place
from tests.daemon.conftest import place as place
from tests.daemon.process import hermes, started


@pytest.fixture
def run(tmp_path):
    """Run a command to its end in a home of its own."""

    async def run(*arguments, **more):
        return await hermes(*arguments, home=tmp_path, **more)

    return run


@pytest.fixture
def start(tmp_path):
    """Start a command in that home."""
    return lambda *arguments, **more: started(*arguments, home=tmp_path, **more)


@pytest.fixture
async def imported(run):
    """The top-level packages that a command imports."""

    async def imported(*arguments):
        done = await run(*arguments, PYTHONPROFILEIMPORTTIME="1", PYTHONWARNINGS="")
        names = (line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines() if "|" in line)
        return {name.partition(".")[0] for name in names}

    return imported
