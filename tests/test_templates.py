"""What the content security policy and the two languages ask of every template."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
NAMES = [path.relative_to(ROOT / "templates").as_posix() for path in TEMPLATES]
ICONS = set(json.loads((ROOT / "frontend" / "icons.json").read_text()))
CODE = re.compile(r"{#.*?#}|{% comment %}.*?{% endcomment %}|{% blocktranslate.*?{% endblocktranslate %}|{%.*?%}|{{.*?}}", re.DOTALL)
# keys and terms written alike in both languages
AS_IS = {"M", "K", "Ctrl", "Enter", "Esc", "IRR", "PD", "KS", "AUC", "CSV", "DTI", "WOE", "IV", "Gini", "SHA", "PSI", "Brier", "ECE", "PDF"}


@pytest.mark.parametrize("path", TEMPLATES, ids=NAMES)
def test_nothing_inline(path: Path) -> None:
    text = path.read_text()
    for pattern in (
        r"\sstyle=",
        r"<style",
        r"\son\w+=\"",
        r"hx-on",
        r"js:",
        r"x-html",
        r"javascript:",
        r'hx-trigger="[^"]*\[',
        r"<script(?![^>]*\bsrc=)",
    ):
        assert not re.search(pattern, text), pattern


@pytest.mark.parametrize("path", TEMPLATES, ids=NAMES)
def test_alpine_attributes_hold_a_name_and_nothing_else(path: Path) -> None:
    for name, value in re.findall(r'\s(x-[\w:.-]+|@[\w.-]+|:[a-z-]+)="([^"]*)"', path.read_text()):
        assert re.fullmatch(r"[A-Za-z_]\w*", value), f"{name}={value}"


@pytest.mark.parametrize("path", [p for p in TEMPLATES if p.parent.name == "parts"], ids=[n for n in NAMES if n.startswith("parts/")])
def test_a_part_names_its_inputs(path: Path) -> None:
    first = "\n".join(path.read_text().splitlines()[:3])
    assert "{#" in first, "a part opens with a comment that names its inputs"


@pytest.mark.parametrize("path", TEMPLATES, ids=NAMES)
def test_icons_exist(path: Path) -> None:
    for name in re.findall(r'{% icon "([^"]+)"', path.read_text()):
        assert name in ICONS


class Words(HTMLParser):
    """Collects text and spoken attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("title", "placeholder", "aria-label", "alt", "data-label")]


@pytest.mark.parametrize("path", TEMPLATES, ids=NAMES)
def test_every_word_goes_through_the_catalogue(path: Path) -> None:
    reader = Words()
    reader.feed(re.sub(r"<(code|script)[^>]*>.*?</\1>", "", CODE.sub(" ", path.read_text()), flags=re.DOTALL))
    words = {word for text in reader.found for word in re.findall(r"[A-Za-z]{2,}|\b[A-Z]\b", text)}
    # the switch names each language in that language
    assert words - AS_IS <= ({"English"} if path.name == "_language.html" else set())
