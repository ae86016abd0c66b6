"""A setting that does nothing yet is named, not passed over."""

from hermes_trio.config import load, without_effect
from hermes_trio.daemon.checking import checked


def test_what_has_no_effect_yet_is_said(tmp_path):
    path = tmp_path / "hermes.toml"
    path.write_text('[session]\nreset = "daily"\n[model]\nprovider = "echo"\n[platforms.terminal]\n')
    config = load(path, environ={"HOME": str(tmp_path)})
    assert without_effect(config) == ('session.reset = "daily"',)
    assert 'WITHOUT EFFECT yet: session.reset = "daily"' in list(checked(config))
