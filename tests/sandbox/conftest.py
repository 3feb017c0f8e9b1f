"""The real sandbox process on a free port of loopback."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def start_sandbox() -> Iterator[Callable[..., tuple[str, Any]]]:
    """Return a function that starts the sandbox with more arguments and returns its address and process."""
    started = []

    def start(*arguments: str) -> tuple[str, Any]:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--port", "0", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        line = process.stdout.readline()
        return line.split(" on ", 1)[1].strip(), process

    yield start
    for process in started:
        process.terminate()
        process.wait(10)
        process.stdout.close()


@pytest.fixture
def bank(start_sandbox: Callable[..., tuple[str, Any]], settings: Any) -> str:
    """Return the address of a sandbox whose silence is short, with the payout port pointing at it."""
    url, _process = start_sandbox("--timeout", "1")
    settings.PORTS = {"payout": f"{url}/payouts"}
    return url
