"""The outside world while the demonstration loads: the sandbox as a process of its own, so that payouts really go out."""

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

PATIENCE = 20.0


@contextmanager
def sandbox() -> Iterator[None]:
    """Run the sandbox for the duration, unless the installation names a bank of its own.

    :raises TimeoutError: if it does not answer
    """
    if settings.PORTS.get("payout"):
        yield
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "sandbox", "--port", str(port)], cwd=settings.BASE_DIR, stdout=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/health")
        settings.PORTS["payout"] = f"http://127.0.0.1:{port}/payouts"
        yield
    finally:
        settings.PORTS["payout"] = ""
        process.terminate()
        process.wait(timeout=PATIENCE)


def wait_for(url: str) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).close()  # noqa: S310  loopback
            return
        except OSError:
            if time.monotonic() > until:
                raise TimeoutError(f"{url} does not answer") from None
            time.sleep(0.1)
