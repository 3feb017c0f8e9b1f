"""What the documents list is what the code has."""

import re
from pathlib import Path

import pytest

from crm.lib.permissions import scopes

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def test_the_scopes_of_the_api_page_are_the_declared_ones() -> None:
    table = re.search(r"<!-- scopes:.*?-->(.*?)<!-- /scopes -->", (DOCS / "api.md").read_text(), re.S)
    assert table
    assert dict(re.findall(r"^\| `([a-z:]+)` \| (.+) \|$", table[1], re.M)) == scopes()


@pytest.mark.parametrize("source", ["crm/settings.py", "gunicorn.conf.py", "docker-compose.yml"])
def test_every_setting_stands_on_the_operations_page(source: str) -> None:
    text = (ROOT / source).read_text()
    pattern = (
        r"\b((?:CRM|DATABASE|REDIS|CELERY_BROKER|WEB)_[A-Z_]+):"
        if source.endswith(".yml")
        else r'"((?:CRM|DATABASE|REDIS|CELERY|WEB)_[A-Z_]+)"'
    )
    page = (DOCS / "operations.md").read_text()
    own = {"CRM_OWNER_PASSWORD", "CRM_APP_PASSWORD", "CRM_READ_PASSWORD", "CRM_PUBLISH"}  # of the compose file alone, which explains them
    assert [name for name in set(re.findall(pattern, text)) - own if f"`{name}`" not in page] == []


@pytest.mark.parametrize("page", ["README.md", *sorted(f"docs/{path.name}" for path in DOCS.glob("*.md"))])
def test_links_and_pictures_of_a_page_exist(page: str) -> None:
    path = ROOT / page
    links = re.findall(r"\]\(([^)#]+)\)", path.read_text())
    assert [link for link in links if "://" not in link and not (path.parent / link).exists()] == []


def test_pictures_are_light() -> None:
    assert [path.name for path in (DOCS / "pictures").glob("*.png") if path.stat().st_size > 250_000] == []


def test_commands_named_in_the_documents_exist() -> None:
    from django.core.management import get_commands

    known, text = get_commands(), "\n".join(path.read_text() for path in [ROOT / "README.md", *DOCS.glob("*.md")])
    assert [name for name in set(re.findall(r"manage\.py ([a-z_]+)", text)) if name not in known] == []
