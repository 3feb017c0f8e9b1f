"""What an applicant states, checked against the schema that the risk strategy declares."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

import risk
from crm.lib.errors import Invalid
from risk import bureau_facts
from risk.facts import Fact, Schema, check, read_schema

# Facts of the schema that come from us, not from the applicant's words.
OURS = frozenset({
    "amount", "term", "purpose", "product_min", "product_max", "term_min", "term_max", "rate_a", "rate_b", "rate_c", "rate_d", "rate_e",
    "rate_cap", "age", "income", "monthly_debt", "exposure", "exposure_cap", "current_dpd", "consent_bureau", "region",
    "income_state", "shared_mobile", "shared_card", "shared_device", "applications_30d", "listed_black", "listed_grey", "listed_watch",
    "device_applications_30d", "device_zone_differs", "consortium_debt", "average_share", "instalment_share", "extra_yield",
    *(f"bureau_{name}" for name in ("state", *bureau_facts.FIGURES)),
})  # fmt: skip

WHOLE = re.compile(r"-?[0-9]{1,9}")

SENTENCES = {
    "wrong_type": _("This is not the kind of value that is asked for."),
    "unknown_category": _("This is not one of the words to choose from."),
    "out_of_range": _("This value is out of range."),
    "not_in_cents": _("Enter an amount in whole cents."),
    "undeclared": _("There is no such question."),
}


@cache
def schema() -> Schema:
    """Return the schema of all facts."""
    return read_schema(json.loads((Path(risk.__file__).parent / "data" / "input_schema.json").read_text()))


@cache
def questions() -> Mapping[str, Fact]:
    """Return the facts an applicant may state, by name. None is required here: a gap is the strategy's to refer, by name."""
    return {name: replace(fact, required=False) for name, fact in schema().facts.items() if name not in OURS}


def purposes() -> frozenset[str]:
    """Return the words for what the money is for."""
    return schema().facts["purpose"].values


def cleaned(stated: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stated facts that were given, typed; text from a file or a form is read as the type the schema names.

    :raises Invalid: with one sentence per wrong fact in `fields`
    """
    given = {name: _read(name, value) for name, value in stated.items() if value is not None and value != ""}
    clean, problems = check(given, Schema(questions()))
    if problems:
        fields = {problem.fact: SENTENCES[problem.kind] for problem in problems}
        raise Invalid(_("Some of the stated facts cannot be; see the fields."), fields=fields)
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in clean.items() if value is not None}


def _read(name: str, value: Any) -> Any:
    fact = questions().get(name)
    if fact is None or not isinstance(value, str):
        return value
    text = value.strip()
    if fact.type == "integer" and WHOLE.fullmatch(text):
        return int(text)
    if fact.type == "boolean":
        return {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}.get(text.lower(), text)
    return text
