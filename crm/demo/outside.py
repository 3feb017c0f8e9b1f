"""The outside world while the demonstration loads: the sandbox as a process of its own, so that payouts really go out."""

import base64
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from crm.lib.ports import bureau as bureau_port

PATIENCE = 20.0
_asleep: dict[str, str] = {}  # the sandbox's bureau, which most of the demonstration's past was decided without


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
    secret = base64.b64encode(secrets.token_bytes(32)).decode()
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--port", str(port)], cwd=settings.BASE_DIR, stdout=subprocess.DEVNULL,
        env=os.environ | {"CRM_BUREAU_KEY": secret},
    )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{port}/health")
        settings.PORTS["payout"] = f"http://127.0.0.1:{port}/payouts"
        if not bureau_port.is_on():
            _asleep.update(url=f"http://127.0.0.1:{port}/bureau/reports", key=secret)
        yield
    finally:
        settings.PORTS["payout"] = ""
        _asleep.clear()
        process.terminate()
        process.wait(timeout=PATIENCE)


@contextmanager
def bureau() -> Iterator[bool]:
    """Connect the credit bureau for the duration: the installation's own, else the sandbox's; say whether there is one."""
    if bureau_port.is_on() or not _asleep:
        yield bureau_port.is_on()
        return
    settings.PORTS["bureau"], settings.BUREAU_KEY = _asleep["url"], _asleep["key"]
    try:
        yield True
    finally:
        settings.PORTS["bureau"], settings.BUREAU_KEY = "", ""


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
