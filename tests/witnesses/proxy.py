"""LiteLLM's proxy as a process, in front of answers of its own and of our fakes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from msgspec import Struct

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / ".venv-witnesses" / "bin" / "litellm"
STARTS_WITHIN_S = 180.0
KEY = "sk-master"


class Proxy(Struct, frozen=True):
    """A proxy that runs.

    Args:
        url: without "/v1".
        fakes: the ports where it looks for our fakes, by protocol.
    """

    url: str
    fakes: dict[str, int]


def free_port() -> int:
    """A port that nobody has at the moment."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _models(fakes: dict[str, int]) -> dict[str, dict[str, str]]:
    openai, anthropic = (f"http://127.0.0.1:{fakes[name]}" for name in ("openai", "anthropic"))
    mocked = {
        "says": "Hello from the proxy.",
        "limited": "litellm.RateLimitError",
        "long": "litellm.ContextWindowExceededError",
    }
    return {
        **{name: {"model": "openai/x", "mock_response": said} for name, said in mocked.items()},
        "of-openai": {"model": "openai/x", "api_base": f"{openai}/v1"},
        "of-anthropic": {"model": "anthropic/claude-3-5-sonnet-20240620", "api_base": anthropic},
    }


@contextmanager
def proxy(folder: Path) -> Iterator[Proxy]:
    """A proxy, until the block ends. Raises TimeoutError with what it printed if it does not start."""
    fakes = {"openai": free_port(), "anthropic": free_port()}
    port = free_port()
    models = [
        {"model_name": name, "litellm_params": {"api_key": "sk-upstream", **params}}
        for name, params in _models(fakes).items()
    ]
    config = {
        "model_list": models,
        "general_settings": {"master_key": KEY},
        "litellm_settings": {
            "telemetry": False,
            "num_retries": 0,
            "use_chat_completions_url_for_anthropic_messages": True,
        },
    }
    (folder / "config.yaml").write_text(json.dumps(config))  # JSON is YAML
    command = [str(PROGRAM), "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port)]
    environ = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=environ)
        try:
            _until_it_answers(f"http://127.0.0.1:{port}", folder / "log")
            yield Proxy(f"http://127.0.0.1:{port}", fakes)
        finally:
            process.terminate()
            process.wait(30)


def _until_it_answers(url: str, log: Path) -> None:
    end = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < end:
        try:
            if httpx.get(f"{url}/health/liveliness", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.5)
    raise TimeoutError(log.read_text()[-2000:])
