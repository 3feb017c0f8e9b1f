"""Rules of law and policy as data: value, unit, citation, dates, and whether anybody has read the text."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError
from crm.lib.templatetags.crm import percent, rate, spoken
from governance.models import Rule

AMOUNT, RATE, DAYS, COUNT, TEXT = "CNY", "per year", "days", "count", "text"
EXACT = (AMOUNT, RATE, "share")
WORDS = {
    "debtor": _("debtor"), "guarantor": _("guarantor"), "co_borrower": _("co-borrower"), "sms": _("SMS"), "email": _("e-mail"),
}  # fmt: skip


class NoRule(DomainError):
    """No rule of this name holds on the date: the door that needs it stays shut."""

    code = "no_rule"
    status = 409


def holding(code: str, *, on: date) -> Rule:
    """Return the rule that holds on a date.

    :raises NoRule: if none does
    """
    return together(code, on=on)[code]


def together(*codes: str, on: date) -> dict[str, Rule]:
    """Return the rules of these names that hold on a date, in one query.

    :raises NoRule: if one of them has none
    """
    lasting = Q(effective_to__isnull=True) | Q(effective_to__gt=on)
    found = {rule.code: rule for rule in Rule.objects.filter(lasting, code__in=codes, effective_from__lte=on)}
    for code in codes:
        if code not in found:
            raise NoRule(_("No rule “%(code)s” holds on %(date)s.") % {"code": code, "date": on.isoformat()})
    return found


def value(code: str, *, on: date) -> Any:
    """Return the value that holds on a date: `Decimal` for amounts, rates and shares, else as stored.

    :raises NoRule: if none does
    """
    return values([code], on=on)[code]


def exact(rule: Rule) -> Any:
    """Return a rule's value: `Decimal` for amounts, rates and shares, else as stored."""
    return told(rule.value, rule.unit)


def told(value: Any, unit: str) -> Any:
    """Return a stored value of this unit: `Decimal` for amounts, rates and shares, else as stored."""
    return Decimal(value) if unit in EXACT else value


def read(rows: QuerySet[Rule]) -> dict[str, Any]:
    """Return the values of these rules by code; one query, and no row of many columns for one figure: every claim and every contact asks."""
    return {code: told(value, unit) for code, value, unit in rows.order_by().values_list("code", "value", "unit")}


def values(codes: Iterable[str], *, on: date) -> dict[str, Any]:
    """Return the values of several rules that hold on a date; one query.

    :raises NoRule: if one of them does not hold
    """
    wanted = list(codes)
    found = read(Rule.objects.filter(Q(effective_to__isnull=True) | Q(effective_to__gt=on), code__in=wanted, effective_from__lte=on))
    for code in wanted:
        if code not in found:
            raise NoRule(_("No rule “%(code)s” holds on %(date)s.") % {"code": code, "date": on.isoformat()})
    return found


def put(
    code: str,
    *,
    value: Any,
    unit: str,
    meaning_en: str,
    meaning_zh: str,
    verification: str,
    effective_from: date,
    citation: str = "",
    effective_to: date | None = None,
) -> Rule:
    """Create the rule if this code has none from that date yet; existing rows are never rewritten by a seed.

    :raises TypeError: if `value` is a float, which could not be kept exactly
    """
    if isinstance(value, float):
        raise TypeError(f"{code}: give the value as Decimal, int or text, not float")
    rule, _created = Rule.objects.get_or_create(
        code=code,
        effective_from=effective_from,
        defaults={
            "value": str(value) if isinstance(value, Decimal) else value,
            "unit": unit,
            "meaning_en": meaning_en,
            "meaning_zh": meaning_zh,
            "citation": citation,
            "verification": verification,
            "effective_to": effective_to,
        },
    )
    return rule


def shown(rule: Rule) -> str:
    """Return the value with its unit as a person reads it: `CNY 10,000.00`, `20 minutes`, `08:00–22:00`."""
    value: Any = rule.value
    if isinstance(value, dict):
        return "–".join(str(each) for each in value.values())
    if isinstance(value, list):
        values = ", ".join(str(WORDS.get(each, each)) for each in value)
        return gettext("%(values)s days") % {"values": values.replace("-", "\N{MINUS SIGN}")} if rule.unit == DAYS else values
    if rule.unit == AMOUNT:
        return spoken(Decimal(value))
    if rule.unit == RATE:
        return str(rate(value))
    if rule.unit == "share":
        return str(percent(value))
    if rule.unit == DAYS:
        return ngettext("%(n)s day", "%(n)s days", value) % {"n": value}
    if rule.unit == "hours":
        return ngettext("%(n)s hour", "%(n)s hours", value) % {"n": value}
    if rule.unit == "minutes":
        return ngettext("%(n)s minute", "%(n)s minutes", value) % {"n": value}
    return str(value)
