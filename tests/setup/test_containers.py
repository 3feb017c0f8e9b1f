"""No Docker engine is needed to see that the compose file is valid, the Dockerfile clean and no secret has a default."""

import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent
COMPOSE = (ROOT / "docker-compose.yml").read_text()
SERVICES = yaml.safe_load(COMPOSE)["services"]


def test_the_compose_file_follows_the_compose_specification() -> None:
    command = [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", ROOT / "docker-compose.yml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dockerfile_passes_hadolint() -> None:
    done = subprocess.run([BIN / "hadolint", ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_everything_that_keeps_running_has_a_health_check() -> None:
    in_image = {"web"}  # the Dockerfile's own
    assert {"web", "worker", "beat", "postgres", "valkey"} <= SERVICES.keys()
    assert not {name for name, service in SERVICES.items() if "healthcheck" not in service} - in_image
    assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text()


def test_no_secret_has_a_default() -> None:
    secrets = set(re.findall(r"\$\{(\w*(?:SECRET|KEYS|PASSWORD)\w*)", COMPOSE))
    assert {"CRM_SECRET_KEY", "CRM_VAULT_KEYS", "VALKEY_PASSWORD"} <= secrets
    for name in secrets:
        for use in re.findall(rf"\$\{{{name}([^}}]*)\}}", COMPOSE):
            assert use.startswith(":?"), f"{name} must refuse to be missing"


def test_nothing_of_ours_runs_as_root() -> None:
    assert re.search(r"^USER 10001:10001$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert all(SERVICES[name]["user"] == "10001:10001" for name in ("migrate", "web", "worker", "beat"))


def test_the_container_has_the_same_roles_as_the_embedded_server() -> None:
    from crm import keeper

    for extension in keeper.EXTENSIONS:
        assert f"CREATE EXTENSION {extension};" in COMPOSE
    keeper_source = Path(keeper.__file__).read_text()
    for grant in re.findall(r"ALTER DEFAULT PRIVILEGES[^;\n]*;", COMPOSE):
        assert grant in keeper_source
