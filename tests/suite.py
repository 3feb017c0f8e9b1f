"""What ./test does once its packages are there: linters, then pytest on servers and in a browser of its own.

Without arguments everything; with arguments only pytest, with these. `--all` adds the tests marked slow.
"""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
HEADLESS = "chromium-headless-shell"

CHECKS = {
    "ruff": [str(BIN / "ruff"), "check", "--quiet", "."],
    "format": [str(BIN / "ruff"), "format", "--quiet", "--check", "."],
    "mypy": [str(BIN / "mypy")],
    "import-linter": [str(BIN / "lint-imports")],
    "migrations": [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"],
    "messages": [sys.executable, "manage.py", "messages", "--check"],
}


def main(arguments: list[str]) -> int:
    """Run what was asked for; 0 only if all of it passed."""
    everything = not [argument for argument in arguments if argument != "--all"]
    problem = make_sure_of_browser()
    if problem:
        print(problem, file=sys.stderr)
        return 1
    compile_words()
    spread = ["-n", "2", "--dist", "loadgroup"] if everything else []
    with ThreadPoolExecutor(1) as beside:
        # The first minute of pytest is one process that makes the template of the databases, and workers that read the tests.
        checks = beside.submit(run_checks) if everything else None
        print(f"· pytest{', and beside it ' + ', '.join(CHECKS) if everything else ''}", flush=True)
        code = subprocess.run([sys.executable, "-m", "pytest", *spread, *arguments], cwd=ROOT, env=environment(), check=False).returncode
        complaints = checks.result() if checks else {}
    for name, said in complaints.items():
        print(f"\n· {name} failed:\n{said}", file=sys.stderr)
    return 1 if complaints else code


def environment() -> dict[str, str]:
    """Return the environment of linters and tests: nobody's servers, no settings of the person."""
    foreign = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "CELERY_BROKER_URL")
    kept = {name: value for name, value in os.environ.items() if name not in foreign and not name.startswith("CRM_")}
    # Tests start dozens of processes; where none may keep what it compiles, each compiles all of ours again, for a second or more.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | {name: os.environ[name] for name in ("CRM_SCREENSHOTS",) if name in os.environ}


def compile_words() -> None:
    """Write the catalogues that are not in the repository: a fresh clone would speak English only."""
    command = [sys.executable, "manage.py", "messages", "--compile"]
    subprocess.run(command, cwd=ROOT, env=environment() | {"CRM_ENV": "tooling"}, check=True, stdout=subprocess.DEVNULL)


def run_checks() -> dict[str, str]:
    """Run the linters one after the other; return what those that complained said, by name."""
    complaints = {}
    for name, command in CHECKS.items():
        tooling = environment() | {"CRM_ENV": "tooling"}
        done = subprocess.run(command, cwd=ROOT, env=tooling, capture_output=True, text=True, check=False)
        if done.returncode:
            complaints[name] = done.stdout + done.stderr
    return complaints


def make_sure_of_browser() -> str:
    """Find or install Chromium and a Chinese font; return a sentence if that cannot be done, else nothing."""
    # The browser without a window does the same in much less time; where the system has none, the whole one will do.
    missing = [] if shutil.which(HEADLESS) else [HEADLESS]
    missing += [] if has_chinese_font() else ["fonts-noto-cjk"]
    install_packages(missing)
    if not has_chromium():
        install_packages(["chromium"])
    if not has_chromium():
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], capture_output=True, check=False)
    if not has_chromium():
        return "The tests need Chromium: install the package `chromium` of this system, or run `.venv/bin/playwright install chromium`."
    if not has_chinese_font():
        install_font()
    if not has_chinese_font():
        return "The tests need a Chinese font: install the package `fonts-noto-cjk` of this system, or any font that has Chinese."
    return ""


def install_packages(names: list[str]) -> None:
    """Install packages of the system one by one, where this may and can be done: one that it lacks keeps no other out."""
    if not names or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    print(f"· installing {' and '.join(names)}", flush=True)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"}}
    subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)  # type: ignore[call-overload]
    for name in names:
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", name]
        subprocess.run(command, check=False, **quiet)  # type: ignore[call-overload]


def has_chromium() -> bool:
    """Say whether there is a Chromium of the system or of Playwright."""
    if any(shutil.which(name) for name in (HEADLESS, "chromium", "chromium-browser", "google-chrome")):
        return True
    folder = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", Path.home() / ".cache" / "ms-playwright"))
    return any(folder.glob("chromium-*/*/chrome")) or any(folder.glob("chromium*/*/headless_shell"))


def has_chinese_font() -> bool:
    """Say whether a font with Chinese is installed; where nothing can list fonts, the folders are looked at."""
    if shutil.which("fc-list"):
        return bool(subprocess.run(["fc-list", ":lang=zh"], capture_output=True, text=True, check=False).stdout.strip())
    folders = [Path("/usr/share/fonts"), Path.home() / ".local" / "share" / "fonts"]
    return any(path for folder in folders for pattern in ("*CJK*", "*NotoSansSC*") for path in folder.rglob(pattern))


def install_font() -> None:
    """Copy a Chinese font out of an npm package into the person's own fonts."""
    target = Path.home() / ".local" / "share" / "fonts"
    scratch = ROOT / "var" / "font"
    scratch.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--no-save", "--no-audit", "--no-fund", "--prefix", str(scratch), "@expo-google-fonts/noto-sans-sc"]
    subprocess.run(command, capture_output=True, check=False)
    for font in scratch.rglob("NotoSansSC_400Regular.ttf"):
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(font, target / font.name)
    if shutil.which("fc-cache"):
        subprocess.run(["fc-cache", str(target)], capture_output=True, check=False)


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
