"""Processes by identity: a process id alone may belong to a stranger after a crash, so the start time goes with it."""

import contextlib
import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Identity:
    """One process for certain: its id and when it started (seconds since the epoch)."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> "Identity":
        """Return who `pid` is now.

        :raises psutil.NoSuchProcess: if nobody has this id
        """
        return cls(pid, psutil.Process(pid).create_time())

    def alive(self) -> bool:
        """Say whether this very process still runs; a zombie does not."""
        try:
            process = psutil.Process(self.pid)
            return abs(process.create_time() - self.started) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def send(self, number: int) -> None:
        """Send a signal, unless the process is gone."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def save(path: Path, known: dict[str, Identity]) -> None:
    """Write down which processes are ours."""
    write(path, json.dumps({name: asdict(identity) for name, identity in known.items()}))


def load(path: Path) -> dict[str, Identity]:
    """Read what `save` wrote; nothing there, or half a file, is nobody."""
    try:
        return {name: Identity(**entry) for name, entry in json.loads(path.read_text()).items()}
    except (OSError, ValueError, TypeError):
        return {}


def write(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace `path` in one step, so that a reader sees the old text or the new one."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    new.replace(path)


def end(known: Identity, *, first: int = signal.SIGTERM, patience: float = 10.0) -> None:
    """Ask a process to stop with signal `first`, and after `patience` seconds kill it and the group it leads."""
    known.send(first)
    if not wait(lambda: not known.alive(), patience):
        known.send(signal.SIGKILL)
        wait(lambda: not known.alive(), 5.0)
    sweep_group(known)


def sweep_group(leader: Identity) -> None:
    """Kill what a dead group leader left behind; the kernel does not reuse a group id that has members."""
    for process in psutil.process_iter():
        try:
            if process.pid != leader.pid and os.getpgid(process.pid) == leader.pid and process.create_time() >= leader.started - 1:
                process.kill()
        except (psutil.Error, ProcessLookupError, PermissionError):
            continue


def wait(condition: Callable[[], bool], seconds: float, every: float = 0.05) -> bool:
    """Wait until `condition` holds; False if it did not within `seconds`."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(every)
    return True


def die_with_parent(number: int = signal.SIGTERM) -> Callable[[], None] | None:
    """Return what a child runs before exec so that the kernel signals it when its parent dies (Linux only)."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def arm() -> None:
        libc.prctl(1, number)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:  # it died before the kernel was asked
            os._exit(1)

    return arm
