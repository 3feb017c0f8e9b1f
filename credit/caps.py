"""Caps on the cost of loans: which hold, what breaks one, and the change of one by two people."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from credit import cap_rules, cost
from credit.models import Product, RateCap
from credit.permissions import CHECK_PRODUCT
from crm.lib.errors import DomainError, Invalid
from governance import changes
from governance.changes import Kind, Line
from governance.models import ChangeRequest, Rule, User
from governance.models.identity import Channel, chinese
from governance.rules import NoRule
from ledger import log

KIND = "credit.cap"
CONTENT = (
    "name_en", "name_zh", "value", "basis", "per", "binding", "products", "channels", "counts", "citation", "verification",
    "effective_from", "effective_to",
)  # fmt: skip
PLACES = Decimal("0.000001")


class OverRateCap(DomainError):
    """The cost of the loan would be above a cap that binds; `extra` carries the rule, both figures and the citation."""

    code = "over_rate_cap"
    status = 422


def holding(on: date) -> list[RateCap]:
    """Return every cap that holds on a day, the lowest first; one query.

    :raises NoRule: if no cap on a single loan binds: a lender without one has forgotten it
    """
    lasting = Q(effective_to__isnull=True) | Q(effective_to__gt=on)
    found = list(RateCap.objects.filter(lasting, effective_from__lte=on).order_by("value", "pk"))
    if not binding(found):
        raise NoRule(_("No rule “%(code)s” holds on %(date)s.") % {"code": "rate.cap", "date": on.isoformat()})
    return found


def binding(caps: Sequence[RateCap], product: str | None = None, channel: str = "") -> list[RateCap]:
    """Return those of the caps that refuse a loan; of one product and channel where they are named."""
    return [cap for cap in caps if cap.binding and cap.per == RateCap.Per.LOAN and (product is None or cap.holds_for(product, channel))]


def ceiling(caps: Sequence[RateCap], product: str, channel: str) -> Decimal:
    """Return the lowest binding cap of a product as a nominal rate: what a strategy is told."""
    return min((cap_rules.nominal_of(cap) for cap in binding(caps, product, channel)), default=Decimal("9.999999"))


def check(caps: Sequence[RateCap], costs: cap_rules.Costs) -> None:
    """Hold a loan against the caps.

    :raises OverRateCap: naming the first cap it breaks
    """
    for cap in caps:
        verdict = cap_rules.judge(cap, costs)
        if not verdict.passes:
            raise refusal(verdict)


def refusal(verdict: cap_rules.Verdict) -> OverRateCap:
    """Return the refusal that a broken cap is."""
    cap = verdict.cap
    figures = {"cost": cost.percent(verdict.highest), "cap": cost.percent(cap.value), "rule": cap}
    if verdict.in_default:
        sentence = _("After default the borrower would pay %(cost)s a year; the cap “%(rule)s” is %(cap)s.") % figures
    else:
        sentence = _("The annualised total cost would be %(cost)s; the cap “%(rule)s” is %(cap)s.") % figures
    return OverRateCap(sentence, cost=figures["cost"], cap=figures["cap"], rule=cap.code, basis=cap.basis, citation=cap.citation)


def put(code: str, *, effective_from: date, **values: Any) -> RateCap:
    """Create the cap if it has no row from that day; existing rows are never rewritten by a seed."""
    cap, _created = RateCap.objects.get_or_create(code=code, effective_from=effective_from, defaults=values)
    return cap


# --- the change of one ---------------------------------------------------------------------------------------------
def content(cap: RateCap) -> dict[str, Any]:
    """Return what a cap is, as a change request keeps it."""
    return wanted(**{name: getattr(cap, name) for name in CONTENT})


def wanted(**values: Any) -> dict[str, Any]:
    """Return what a cap shall be, as JSON keeps it."""
    for name in ("effective_from", "effective_to"):
        values[name] = values[name].isoformat() if values[name] else None
    lists = {name: sorted(set(values[name])) for name in ("products", "channels", "counts")}
    return values | lists | {"value": str(Decimal(values["value"]).quantize(PLACES)), "binding": bool(values["binding"])}


def propose(code: str, after: dict[str, Any], *, reason: str, actor: User, at: datetime) -> ChangeRequest:
    """Propose a cap, or another value of one from a day on.

    :raises Invalid: for what cannot be a cap, or a day not after the one the standing row holds from
    """
    return changes.propose(KIND, code, after=after, reason=reason, actor=actor, at=at)


def newest(code: str) -> RateCap | None:
    return RateCap.objects.filter(code=code).order_by("-effective_from").first()


def _standing(code: str) -> dict[str, Any]:
    cap = newest(code)
    return content(cap) if cap else {}


def _validate(code: str, after: dict[str, Any]) -> None:
    problems: dict[str, Any] = {}
    if not code or not code.replace(".", "").replace("_", "").isalnum() or len(code) > 40:
        problems["code"] = _("Small letters, digits, dots and _.")
    for name in ("name_en", "name_zh"):
        if not 0 < len(after[name]) <= 120:
            problems[name] = _("One to 120 characters.")
    try:
        if not 0 < Decimal(after["value"]) < 10:
            problems["value"] = _("A cap lies between 0 and 1,000 %.")
    except InvalidOperation:
        problems["value"] = _("A cap lies between 0 and 1,000 %.")
    for name, known in (
        ("basis", RateCap.Basis.values), ("per", RateCap.Per.values), ("verification", Rule.Verification.values),
        ("counts", RateCap.Part.values), ("channels", Channel.values),
    ):  # fmt: skip
        said = after[name] if isinstance(after[name], list) else [after[name]]
        if set(said) - set(known):
            problems[name] = _("There is no such choice.")
    if after["products"] and set(after["products"]) - set(Product.objects.values_list("code", flat=True)):
        problems["products"] = _("There is no such product.")
    if after["verification"] in ("verified", "secondary") and not after["citation"]:
        problems["citation"] = _("What comes from law names its article.")
    if after["effective_to"] and after["effective_to"] <= after["effective_from"]:
        problems["effective_to"] = _("It has to end after the day it begins.")
    was = newest(code)
    if was is not None and after["effective_from"] <= was.effective_from.isoformat():
        problems["effective_from"] = _("The row that stands holds from %(day)s: choose a later day.") % {
            "day": was.effective_from.isoformat()
        }
    if problems:
        raise Invalid(_("This cannot be a cap."), fields=problems)


def _lines(before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    said: list[tuple[str, Any, Any]] = [
        ("name_en", _("Name in English"), str), ("name_zh", _("Name in Chinese"), str),
        ("value", _("Cap"), lambda value: cost.percent(Decimal(value))), ("basis", _("Basis"), lambda value: RateCap.Basis(value).label),
        ("per", _("Holds for"), lambda value: RateCap.Per(value).label), ("binding", _("Refuses offers"), lambda value: _("Yes") if value else _("No")),
        ("citation", _("Citation"), str), ("verification", _("Checked"), lambda value: Rule.Verification(value).label),
        ("effective_from", _("From"), str), ("effective_to", _("Until"), lambda value: value or ""),
    ]  # fmt: skip
    found = [
        Line(label, word(before[name]) if name in before else "", word(after[name]))
        for name, label, word in said
        if before.get(name) != after[name]
    ]
    labels = {"counts": dict(RateCap.Part.choices), "channels": dict(Channel.choices), "products": {}}
    for name, label in (
        ("counts", _("Counts beside interest")),
        ("products", _("Only these products")),
        ("channels", _("Only these channels")),
    ):
        had, has = set(before.get(name, ())), set(after[name])
        if had != has:
            words: Any = labels[name]
            found.append(
                Line(
                    label,
                    added=tuple(words.get(one, one) for one in sorted(has - had)),
                    removed=tuple(words.get(one, one) for one in sorted(had - has)),
                )
            )
    return found


def _make(code: str, after: dict[str, Any], *, actor: User, at: datetime) -> RateCap:
    begins = date.fromisoformat(after["effective_from"])
    was = newest(code)
    if was is not None and (was.effective_to is None or was.effective_to > begins):
        RateCap.objects.filter(pk=was.pk).update(effective_to=begins)
    ends = date.fromisoformat(after["effective_to"]) if after["effective_to"] else None
    values = after | {"value": Decimal(after["value"]), "effective_from": begins, "effective_to": ends}
    cap = RateCap.objects.create(code=code, **values)
    log.record(
        "credit.cap.set", cap, actor=actor, at=at, code=code, value=cap.value, was=was.value if was else None, basis=cap.basis,
        counts=cap.counts, effective_from=begins,
    )  # fmt: skip
    return cap


changes.KINDS.register(
    KIND,
    Kind(
        label=_("Rate cap"), check=CHECK_PRODUCT, standing=_standing, validate=_validate, lines=_lines, make=_make,
        name=lambda code, after: after["name_zh"] if chinese() else after["name_en"],
        url=lambda code: reverse("rate-cap-list"),
    ),
)  # fmt: skip
