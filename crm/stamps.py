"""Fingerprints of files, to do slow steps only when their inputs changed. Standard library only: the bootstrap uses it."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SKIP = {".git", ".venv", "var", "node_modules", "__pycache__", "static_built", "fonts_built", "docs", "benchmarks", "tests", "frontend"}


def digest(paths: Iterable[Path]) -> str:
    """Return one fingerprint of the names and contents of `paths`."""
    sums = hashlib.sha256()
    for path in sorted(paths):
        sums.update(str(path).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return sums.hexdigest()


def files(folder: Path, wanted: Callable[[Path], bool], skip: Iterable[str] = SKIP) -> Iterator[Path]:
    """Yield the files below `folder` that are `wanted`, in folders that are not to be skipped."""
    skipped = set(skip)
    for here, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in skipped]
        yield from (path for name in names if wanted(path := Path(here) / name))


def is_code(path: Path) -> bool:
    """Say whether a change of this file may change what `migrate` and `seed` make."""
    return path.suffix == ".py" or path.parent.name == "data" or "data" in path.parts


def is_schema(path: Path) -> bool:
    """Say whether this file makes tables or first rows; narrower than `is_code`, for databases that tests share."""
    names = ("seeds.py", "permissions.py", "models.py", "requirements.txt")
    return path.suffix in (".py", ".json", ".csv", ".sql", ".txt") and (
        path.name in names
        or bool({"migrations", "data", "models", "seeds"} & set(path.parts))
        or (path.suffix == ".py" and b"\ndef seed" in path.read_bytes())
    )


def is_migration(path: Path) -> bool:
    """Say whether this file makes tables: migrations, and what they are written with."""
    return (
        path.suffix == ".py" and ("migrations" in path.parts or path.name in ("guards.py", "lean_state.py"))
    ) or path.name == "requirements.txt"


def done(stamp: Path, value: str) -> bool:
    """Say whether the step of `stamp` was done for these inputs."""
    return stamp.exists() and stamp.read_text() == value


def mark(stamp: Path, value: str) -> None:
    """Write down that the step was done for these inputs."""
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(value)
