"""manage.py, ./run and ./test as a person meets them: sentences, exit codes, no trace of this machine."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def bare(**more: str) -> dict[str, str]:
    """Return an environment in which nothing of ours is set."""
    ours = ("DATABASE_", "REDIS_", "CELERY_", "CRM_", "DJANGO_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | more


def run(*command: str, cwd: Path = ROOT, **more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=cwd, env=bare(**more), capture_output=True, text=True, check=False, timeout=120)


def test_manage_py_test_points_to_the_real_thing() -> None:
    done = run(sys.executable, "manage.py", "test")
    assert done.returncode == 2
    assert "./test" in done.stdout


def test_a_command_that_needs_no_database_starts_none() -> None:
    done = run(sys.executable, "manage.py", "check", CRM_AREA="no-such-area")
    assert done.returncode == 0, done.stderr
    assert not (ROOT / "var" / "no-such-area").exists()


def test_production_starts_with_no_default_secret() -> None:
    done = run(sys.executable, "manage.py", "check", CRM_ENV="production", DATABASE_URL="postgres://a@b/c", REDIS_URL="redis://d")
    assert done.returncode != 0
    assert "CRM_SECRET_KEY is not set" in done.stderr


def test_one_of_two_servers_named_is_refused_with_a_sentence() -> None:
    done = run(sys.executable, "manage.py", "showmigrations", DATABASE_URL="postgres://a@b/c")
    assert done.returncode == 1
    assert done.stderr.strip() == "DATABASE_URL is set and the other one is not: set DATABASE_URL and REDIS_URL, or neither."


def test_a_python_that_does_not_fit_is_told_so(tmp_path: Path) -> None:
    """Every Python on the path is one that answers like 3.9."""
    for name in ("run", "test", "crm/python.sh"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("python3", "python", "python3.11", "python3.12", "python3.13", "python3.14"):
        (programs / name).write_text('#!/bin/sh\n[ "$1" = --version ] && { echo "Python 3.9.18"; exit 0; }\nexit 1\n')
        (programs / name).chmod(0o755)
    for name in ("sh", "dirname"):
        (programs / name).symlink_to(shutil.which(name) or name)
    for script in ("run", "test"):
        done = run(str(tmp_path / script), cwd=tmp_path, PATH=str(programs))
        assert done.returncode == 1
        assert done.stderr.strip() == "This needs Python 3.11 to 3.14 (found: Python 3.9.18). Install one of them, with its venv module."


def test_the_pinned_lists_name_no_registry_and_carry_hashes() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text()
        assert "://" not in text
        assert not [line for line in text.splitlines() if line.startswith("--")]
        pinned = re.findall(r"^\S+==\S+.*$", text, re.MULTILINE)
        assert pinned
        assert all(line.endswith("\\") for line in pinned), "a pin without hashes"


def test_the_ci_runs_the_tests_and_nothing_else() -> None:
    lines = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if line and not line.startswith("#")]
    assert lines == ['exec "$(dirname "$0")/../test"']
