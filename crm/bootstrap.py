"""What ./run and ./test do before anything of ours can be imported: the virtual environment, its packages, the front end.

Runs on the system's Python 3.11 to 3.14 with the standard library only, and hands over to a module inside `.venv`.
"""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from crm import stamps  # noqa: E402

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
FRONTEND = ROOT / "frontend"


class Stopped(Exception):
    """A step failed; the message says what to do."""


def main(program: str, arguments: list[str]) -> int:  # noqa: RET503  exec does not return
    """Prepare everything and become `program`, a module of ours, inside the virtual environment."""
    (ROOT / "var").mkdir(exist_ok=True)
    try:
        with open(ROOT / "var" / "bootstrap.lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("Another ./run or ./test is installing; waiting for it.", flush=True)
                fcntl.flock(lock, fcntl.LOCK_EX)
            make_venv()
            install(["requirements.txt"] + (["requirements-dev.txt"] if program == "tests.suite" else []))
            build_frontend()
    except Stopped as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    os.chdir(ROOT)
    os.environ["PATH"] = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    os.execv(PYTHON, [str(PYTHON), "-m", program, *arguments])


def make_venv() -> None:
    """Make `.venv` if it is missing, cut off half-way, or left behind by a Python that is gone.

    :raises Stopped: if this Python cannot make one
    """
    if venv_works():
        return
    try:
        import ensurepip  # noqa: F401
        import venv
    except ImportError:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise Stopped(
            f"This Python cannot make virtual environments: install its venv module (Debian: apt install python{version}-venv)."
        ) from None
    say(f"making .venv with Python {sys.version.split()[0]}")
    try:
        venv.EnvBuilder(with_pip=True, symlinks=True, clear=VENV.exists()).create(VENV)
    except (subprocess.CalledProcessError, OSError) as problem:
        raise Stopped(f"The virtual environment {VENV} could not be made: {problem}") from problem


def venv_works() -> bool:
    """Say whether `.venv` is whole, of a Python that fits, and was made here: its scripts name their folder.

    A link to a folder elsewhere is somebody's choice: it is used as it is, and never emptied.

    :raises Stopped: if it is a link to something that does not work
    """
    pip, fits = VENV / "bin" / "pip", "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))"
    whole = pip.exists() and PYTHON.exists() and not subprocess.run([PYTHON, "-c", fits], capture_output=True, check=False).returncode
    if VENV.is_symlink():
        if not whole:
            raise Stopped(f"{VENV} is a link to something that is no virtual environment of Python 3.11 to 3.14: remove the link.")
        return True
    return whole and str(VENV) in pip.read_text(errors="replace")[:500]


def install(names: list[str]) -> None:
    """Install the pinned packages whose list changed since the last time.

    :raises Stopped: if pip fails
    """
    for name in names:
        stamp, value = VENV / f".installed-{name}", stamps.digest([ROOT / name])
        if stamps.done(stamp, value):
            continue
        say(f"installing {name} (minutes the first time)")
        command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes"]
        run([*command, "-r", name], f"The packages of {name} could not be installed")
        stamps.mark(stamp, value)


def build_frontend() -> None:
    """Build the front end when its sources changed, with the Node of the virtual environment.

    :raises Stopped: if npm fails
    """
    if not (FRONTEND / "package.json").exists():
        return
    sources = [path for path in stamps.files(FRONTEND, lambda path: True, skip={"node_modules", "dist"}) if not path.name.startswith(".")]
    built, value = ROOT / "static_built" / ".stamp", stamps.digest(sources)
    if stamps.done(built, value):
        return
    packages, locked = FRONTEND / "node_modules" / ".stamp", stamps.digest([FRONTEND / "package-lock.json"])
    if not stamps.done(packages, locked):
        say("installing the front end's packages")
        run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], "The front end's packages could not be installed", FRONTEND)
        stamps.mark(packages, locked)
    say("building the front end")
    run(["npm", "run", "build", "--silent"], "The front end could not be built", FRONTEND)
    stamps.mark(built, value)


def run(command: list[str], what: str, folder: Path = ROOT) -> None:
    """Run a step quietly; what it said is shown if it fails.

    :raises Stopped: if it fails
    """
    path = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    done = subprocess.run(command, cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Stopped(f"{done.stdout[-3000:]}{done.stderr[-3000:]}\n{what} (see above).")


def say(text: str) -> None:
    print(f"· {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
