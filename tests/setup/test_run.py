"""./run as a person uses it, on data of its own: start, join, kill anything, start again, stop."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest

from crm import children, places, processes, servers
from crm.processes import Identity

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.xdist_group("servers")]
started: list["Running"] = []
PORT = 18_700 + os.getpid() % 1000  # several runs of the tests share this machine


class Running:
    """One ./run at a terminal."""

    def __init__(self, var: Path, *arguments: str):
        self.var, self.said = var, var.parent / "said.txt"
        with open(self.said, "wb") as said:
            self.popen = subprocess.Popen(
                ["./run", "--no-demo", "--port", str(PORT), *arguments], cwd=servers.ROOT, env=environment(var), stdout=said, stderr=said
            )
        started.append(self)

    def text(self) -> str:
        return self.said.read_text()

    def until_healthy(self) -> str:
        """Wait for the address and return it."""
        assert processes.wait(lambda: "The house stands" in self.text() or self.popen.poll() is not None, 180), self.text()
        assert self.popen.poll() is None, self.text()
        url: str = json.loads((self.var / "main" / "run.json").read_text())["url"]
        assert children.answers(f"{url}/healthz")
        return url

    def child(self, name: str) -> Identity:
        return processes.load(self.var / "main" / "children.json")[name]

    def healthy(self) -> bool:
        """Say whether web, worker and both servers answer."""
        state, url = servers.ready_state(self.var / "main"), json.loads((self.var / "main" / "run.json").read_text())["url"]
        return bool(state and servers.answers(state) and children.answers(f"{url}/healthz") and children.worker_answers(state))

    def stop(self, number: int = signal.SIGINT) -> int:
        self.popen.send_signal(number)
        return self.popen.wait(120)


def environment(var: Path) -> dict[str, str]:
    ours = ("DATABASE_", "REDIS_", "CELERY_", "CRM_", "DJANGO_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | {"CRM_VAR": str(var)}


def ours(var: Path) -> list[str]:
    """Return the command lines of processes that serve this data."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("CRM_VAR") == str(var) and process.pid != os.getpid():
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("clone") / "var"
    yield folder
    for running in started:
        if running.popen.poll() is None:
            running.stop(signal.SIGTERM)
    for identity in processes.load(folder / "main" / "children.json").values():
        processes.end(identity, patience=5)
    state: Any = servers.ready_state(folder / "main")
    if state:
        processes.end(Identity(**state["keeper"]), patience=30)
    places.remove(folder / "main")


def test_a_taken_port_a_second_run_and_ctrl_c(var: Path) -> None:
    with children.listen(PORT) as taken:
        port = taken.getsockname()[1]
        first = Running(var, "--port", str(port))
        url = first.until_healthy()
        assert port < int(url.rsplit(":", 1)[1]) < port + 20
        assert f"port {port} is taken" in first.text()
    second = subprocess.run(["./run"], cwd=servers.ROOT, env=environment(var), capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 0
    assert second.stdout.strip().endswith(f"The house of this clone runs already: {url}")
    assert first.stop(signal.SIGINT) == 0
    assert first.text().rstrip().endswith("· stopped")
    assert processes.wait(lambda: not ours(var), 10), ours(var)


def test_any_process_may_be_killed(var: Path) -> None:
    house = Running(var)
    house.until_healthy()
    state = servers.ready_state(var / "main")
    assert state
    connection = psycopg2.connect(state["DATABASE_OWNER_URL"])
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE kept AS SELECT 'still here' AS word")
    connection.close()

    for name in ("web", "worker", "beat", "sandbox"):
        before = house.child(name)
        before.send(signal.SIGKILL)
        assert processes.wait(lambda before=before, name=name: house.child(name) != before, 40), name
        assert processes.wait(house.healthy, 60), name
    for name in ("postgres", "valkey"):
        state = servers.ready_state(var / "main")
        assert state
        Identity(**state["servers"][name]).send(signal.SIGKILL)
        time.sleep(0.5)
        assert processes.wait(house.healthy, 60), name
    Identity(**state["keeper"]).send(signal.SIGKILL)
    assert processes.wait(lambda: servers.ready_state(var / "main") is not None, 40)
    assert processes.wait(house.healthy, 60)

    left = [house.child(name) for name in ("web", "worker", "beat", "sandbox")]
    house.popen.kill()
    house.popen.wait()
    again = Running(var)  # at once, while the children of the first are still on their way out
    again.until_healthy()
    assert not [identity for identity in left if identity.alive()]
    state = servers.ready_state(var / "main")
    assert state
    connection = psycopg2.connect(state["DATABASE_URL"])
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT word FROM kept")
        assert cursor.fetchone() == ("still here",)
    connection.close()
    assert again.stop(signal.SIGTERM) == 0
    assert processes.wait(lambda: not ours(var), 10), ours(var)
