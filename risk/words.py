"""The words of facts and reasons in both languages, from the data files and from the texts kept with a version. Pure."""

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from crm.lib import features

DATA = Path(__file__).parent / "data"
PLACE = re.compile(r"\{(\w+)(?:\|(\w+))?\}")


@cache
def data(name: str) -> Any:
    """Return one of the JSON files beside this module."""
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


def side(language: str) -> str:
    """Return "zh" for any Chinese, else "en"."""
    return "zh" if language.lower().startswith("zh") else "en"


@cache
def _declared() -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in data("input_schema")["facts"]}


def also(rows: Iterable[Mapping[str, Any]]) -> None:
    """Take in the words of facts that a kind of strategy of another room declares; a name that is known keeps its words."""
    for row in rows:
        _declared().setdefault(row["name"], dict(row))
    offered.cache_clear()


@cache
def offered() -> frozenset[str]:
    """Return the facts this house knows how to tell; anything else somebody hands in is not expected by anyone."""
    return frozenset(_declared())


def label(fact: str, language: str) -> str:
    """Return the name of a fact in words; the name itself where nobody gave one."""
    row = _declared().get(fact)
    if row is None and (found := features.find(fact)) is not None:
        return _of_feature(found[0], side(language))
    return str((row or {}).get(f"label_{side(language)}", fact))


def _of_feature(feature: features.Feature, tongue: str) -> str:
    with translation.override("zh-hans" if tongue == "zh" else "en"):
        if not feature.window:
            return str(feature.meaning)
        number = {"n": feature.window[:-1]}
        window = _("last %(n)s days") if feature.window.endswith("d") else _("last %(n)s months")
        return _("%(meaning)s, %(window)s") % {"meaning": feature.meaning, "window": window % number}


def word(fact: str, value: Any, language: str) -> str:
    """Return a category's value in words; the value itself where nobody gave one."""
    pair = _declared().get(fact, {}).get("words", {}).get(value)
    return str(pair[side(language) == "zh"]) if pair else str(value)


def choices(fact: str, language: str) -> list[tuple[str, str]]:
    """Return (value, words) of a category in the declared order, for a form."""
    row = _declared()[fact]
    return [(value, word(fact, value, language)) for value in row["values"]]


def sentence(
    code: str, texts: Mapping[str, Any], values: Mapping[str, Any], *, language: str, customer: bool = False, currency: str = "CNY"
) -> str:
    """Return the sentence of a reason code, with its figures filled in.

    `code` may carry a fact's name after a colon. A code without text comes back as itself: it is shown rather than hidden.
    """
    base, _, fact = code.partition(":")
    found = texts.get(base) or data("engine_reasons").get(base)
    if not found:
        return code
    tongue = side(language)
    text = str(found[f"customer_{tongue}" if customer else tongue])

    def fill(match: re.Match[str]) -> str:
        name, kind = match[1], match[2]
        if name == "fact":
            return label(fact, language)
        return show(name, values.get(name), kind or "count", language=language, currency=currency)

    return PLACE.sub(fill, text)


def heading(code: str, texts: Mapping[str, Any], *, language: str) -> str:
    """Return the short name of a rule by its reason code."""
    base = code.partition(":")[0]
    found = texts.get(base) or data("engine_reasons").get(base) or {}
    return str(found.get(f"label_{side(language)}", code))


def show(name: str, value: Any, kind: str, *, language: str, currency: str = "CNY") -> str:
    """Return a value as people read it: money, percent (a share, one decimal), rate (a year, two decimals), word, count."""
    if value is None:
        return "—"
    if kind == "word":
        return word(name, value, language)
    if kind == "percent":
        return f"{float(value) * 100:.1f}".removesuffix(".0") + "%"
    if kind == "rate":
        return f"{float(value) * 100:.2f}%"
    if kind == "money":
        amount = f"{float(value):,.2f}".removesuffix(".00")
        return f"¥{amount}" if side(language) == "zh" and currency == "CNY" else f"{currency} {amount}"
    return f"{float(value):,.6f}".rstrip("0").rstrip(".")
