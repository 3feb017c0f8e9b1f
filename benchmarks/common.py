"""What the benchmarks share: a database of their own, waiting for processes, order statistics, how figures are told."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from crm import children

ROOT = Path(__file__).resolve().parent.parent


def manage(environment: dict[str, str], *command: str) -> None:
    """Run `manage.py`; migrations as the owner of the tables. What it says goes to stderr."""
    role = {"CRM_DB_ROLE": "owner"} if command[0] == "migrate" else {}
    subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=environment | role, check=True, stdout=sys.stderr)


def settings_of(joined_environment: dict[str, str], area: str) -> dict[str, str]:
    """Return the environment of processes that use the servers of `area`, and take it over for this process."""
    environment = dict(os.environ) | joined_environment | {"CRM_AREA": area, "CRM_LOG_LEVEL": "WARNING"}
    os.environ.update(environment, DJANGO_SETTINGS_MODULE="crm.settings")
    return environment


def wait_until_healthy(team: list[children.Child]) -> None:
    until = time.monotonic() + 120
    for child in team:
        while not child.healthy():
            if not child.running() or time.monotonic() > until:
                raise SystemExit(f"{child.name} is not healthy; see {child.log}")
            time.sleep(0.2)


def at_share(ordered: list[Any], share: float) -> float:
    """Return the value below which `share` of the ordered values lie, by nearest rank."""
    return float(ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))])


def rounded(value: Any) -> Any:
    """Return the same figures with at most three decimals."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return round(value, 3) if isinstance(value, float) else value


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
