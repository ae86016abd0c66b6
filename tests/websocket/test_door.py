"""Who may come in by the websocket: the token, the port, and whom it serves."""

import resource
import stat

import msgspec
import pytest
import trio
from hermes_websocket import Options, Websocket, adapter
from hermes_websocket.door import own_token, token_file

from hermes_trio.errors import AccountRefused, PlatformDown, SendRefused
from hermes_trio.ports.platform import AdapterContext, Platform
from hermes_trio.runtime.clock import SystemClock, seeded_chance
from hermes_trio.runtime.redaction import Redactor
from tests.heard_intake import HeardIntake
from tests.websocket.conftest import delivery


class FixedBits:
    def random(self):
        return 0.5

    def getrandbits(self, k):
        return 2**k - 1


async def test_the_token_is_kept_for_its_owner_and_from_life_to_life(served):
    path = served.state_dir / "websocket.token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((served.state_dir / "websocket.port").stat().st_mode) == 0o600
    assert sorted(p.name for p in served.state_dir.iterdir()) == ["websocket.port", "websocket.token"]
    intake = HeardIntake()
    again = Websocket(Options(), state_dir=served.state_dir, chance=FixedBits())
    async with again.open(), trio.open_nursery() as nursery:
        nursery.start_soon(again.serve, intake, name="serve")
        await intake.until(lambda: intake.cycles)
        assert path.read_text() == served.token
        nursery.cancel_scope.cancel()


async def test_the_token_is_a_secret_like_those_of_the_configuration(tmp_path):
    """I9: a tool that prints the file of the token shows it to nobody."""
    redact = Redactor()
    context = AdapterContext(tmp_path, FixedBits(), SystemClock(), redact.learn)
    platform, intake = adapter.build(Options(), "main", context), HeardIntake()
    async with platform.open(), trio.open_nursery() as nursery:
        nursery.start_soon(platform.serve, intake, name="serve")
        await intake.until(lambda: intake.cycles)
        token = (tmp_path / "websocket.token").read_text()
        assert token not in redact(f"cat: {token}")
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(("text", "mode"), [("x" * 64, 0o644), ("short", 0o600), ("", 0o600)])
async def test_a_token_that_others_can_read_or_that_is_none_is_refused(tmp_path, text, mode):
    path = tmp_path / "websocket.token"
    path.write_text(text)
    path.chmod(mode)
    platform = Websocket(Options(), state_dir=tmp_path, chance=FixedBits())
    with pytest.raises(AccountRefused) as refused:
        await platform.serve(HeardIntake())
    assert "x" * 64 not in str(refused.value)


async def test_a_port_that_is_taken_and_a_state_dir_that_is_gone_mean_down(served, tmp_path):
    taken = Websocket(Options(port=served.port), state_dir=tmp_path, chance=FixedBits())
    with pytest.raises(PlatformDown, match=str(served.port)):
        await taken.serve(HeardIntake())
    lost = Websocket(Options(), state_dir=tmp_path / "gone", chance=FixedBits())
    with pytest.raises(PlatformDown):
        await lost.serve(HeardIntake())


@pytest.mark.parametrize(
    "section", [{"host": "0.0.0.0"}, {"host": "example.org"}, {"port": 70000}, {"hots": "::1"}]
)
def test_only_this_machine_can_be_listened_on(section):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(section, Options)


async def test_it_is_a_platform_that_allows_its_user_and_nobody_else(tmp_path):
    context = AdapterContext(tmp_path, FixedBits(), SystemClock())
    platform = adapter.build(Options(), "main", context)
    assert isinstance(platform, Platform)
    assert (platform.name, adapter.name) == ("websocket", "websocket")
    assert platform.policy.allow_users == platform.policy.admins == ("local",)
    assert [part.text for part in platform.split("**hi**")] == ["hi"]
    with pytest.raises(SendRefused, match="react"):
        await platform.deliver(delivery(op="react"))


def test_a_full_disk_leaves_no_half_made_token(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(PlatformDown):
            own_token(token_file(tmp_path, "main"), seeded_chance("door"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []
