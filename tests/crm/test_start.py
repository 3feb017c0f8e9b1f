"""A process starts: in production only when nothing is missing, and the web process without heavy libraries."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
SECRET = "x" * 50
PRODUCTION = {
    "CRM_ENV": "production", "CRM_SECRET_KEY": SECRET, "CRM_ALLOWED_HOSTS": "crm.example.org", "CRM_VAULT_KEYS": "v1:" + "A" * 43 + "=",
    "DATABASE_URL": "postgres://a:b@127.0.0.1:1/c", "REDIS_URL": "redis://127.0.0.1:1/0",
}  # fmt: skip


def start(code: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run `code` in a fresh process with these variables and no others of ours."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH")}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=kept | {"DJANGO_SETTINGS_MODULE": "crm.settings"} | environment,
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_production_starts_safe() -> None:
    code = (
        "import django; django.setup(); from django.conf import settings as s;"
        "assert s.SESSION_COOKIE_SECURE and s.CSRF_COOKIE_SECURE and s.SECURE_SSL_REDIRECT and s.SECURE_HSTS_SECONDS > 10**7;"
        "assert not s.DEBUG; print('safe')"
    )
    done = start(code, PRODUCTION)
    assert done.stdout.strip() == "safe", done.stderr[-2000:]


@pytest.mark.parametrize("gap", ["CRM_SECRET_KEY", "CRM_ALLOWED_HOSTS", "CRM_VAULT_KEYS", "DATABASE_URL", "REDIS_URL"])
def test_production_does_not_start_on_a_gap(gap: str) -> None:
    done = start("import django; django.setup()", {name: value for name, value in PRODUCTION.items() if name != gap})
    assert done.returncode != 0
    assert gap.removesuffix("S") in done.stderr.splitlines()[-1]


HEAVY = ("optbinning", "pandas", "sklearn", "lightgbm", "scipy", "ortools", "matplotlib", "numpy", "playwright", "openpyxl")


def test_the_web_process_starts_light() -> None:
    """optbinning alone takes three seconds; whoever fits a model imports it there."""
    code = (
        "import sys, crm.wsgi; from django.urls import get_resolver; get_resolver().url_patterns;"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = start(code, PRODUCTION | {"CRM_ENV": "tooling"})
    assert done.stdout.strip() == "[]", done.stderr[-2000:]
