"""Doors of the product factory: write a version, review it for consumers, release it by two people, let it set, retire it.

A version that was released is never edited: the next one takes its place for new applications, and its loans go on under it.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from credit import cap_seeds, caps, contract_terms, cost, costing, papers, product_examples, product_terms
from credit.books import local_day
from credit.models import Application, Product
from credit.permissions import CHECK_PRODUCT
from credit.product_written import WRITTEN, plain, stamp, written
from credit.refusals import Refused
from credit.schedule import build
from credit.words import PARTS
from crm.lib.errors import DomainError, Invalid, NotAllowed, Stale
from crm.lib.templatetags.crm import grouped
from governance import changes, rules
from governance.changes import Kind, Line
from governance.models import ChangeRequest, LegalEntity, User
from ledger import log

KIND = "credit.product"
COPIED = (*WRITTEN, "legal_entity_id", "code", "currency", "papers")
REVIEW: dict[str, Any] = {
    "cost_complete": _("Every cost stands in the cost table, with method, standard and who receives it"),
    "paid_out_whole": _("The whole principal is paid out; nothing is deducted beforehand"),
    "default_cost": _("What default costs is said plainly and keeps the caps"),
    "way_out": _("Paying early and cancelling in the cooling-off period are possible on fair terms"),
    "plain_words": _("Names and advertisements are plain and state the annual rate"),
    "suitable": _("The people it is meant for can afford it"),
}


# what a new product is until it is written
CODE = re.compile(r"[A-Z][A-Z0-9-]{1,19}")
FIRST: dict[str, Any] = {
    "method": "equal_installment", "amount_min": Decimal("1000.00"), "amount_max": Decimal("50000.00"), "term_min": 3, "term_max": 24,
    "rates_by_grade": {"A": "0.120000"}, "penalty_multiplier": Decimal("1.500"),
}  # fmt: skip


class NotADraft(DomainError):
    """The version was released or taken back: it is not written any more."""

    code = "product_not_draft"


class NotSupported(DomainError):
    """The doors that book and collect cannot keep these terms yet."""

    code = "product_not_supported"


class NotReviewed(DomainError):
    """Nobody reviewed the version for consumers since it was last written."""

    code = "product_not_reviewed"


class Deducted(Invalid):
    """A charge would be deducted from what is paid out."""

    code = "net_disbursement"


class OwnReview(NotAllowed):
    """Nobody reviews a version they wrote."""

    code = "own_review"


@transaction.atomic
def create(entity: LegalEntity, *, code: str, name_en: str, name_zh: str, actor: User, at: datetime) -> Product:
    """Write the first version of a product with a code of its own: a plain instalment loan until it is written, not on sale.

    :raises Invalid: if the code cannot be, or stands already, or a name is missing
    """
    problems: dict[str, Any] = {}
    code = code.strip().upper()
    if not CODE.fullmatch(code):
        problems["code"] = _("2 to 20 capital letters, digits and -, beginning with a letter.")
    elif Product.objects.filter(legal_entity=entity, code=code).exists():
        problems["code"] = _("There is a product with this code: write a new version of it.")
    for name, said in (("name_en", name_en), ("name_zh", name_zh)):
        if not said.strip():
            problems[name] = _("A product has a name in both languages.")
    if problems:
        raise Invalid(_("This cannot be a product; see the fields."), fields=problems)
    try:
        with transaction.atomic():
            made = Product.objects.create(
                legal_entity=entity, code=code, version=1, live=False, drafted_by=actor, name_en=name_en.strip(), name_zh=name_zh.strip(),
                currency=settings.CURRENCY, papers=[dict(item) for item in papers.DEFAULT], **FIRST,
            )  # fmt: skip
    except IntegrityError:
        told = _("There is a product with this code: write a new version of it.")
        raise Invalid(told, fields={"code": told}) from None
    log.record("credit.product.created", made, actor=actor, at=at, code=made.code, product_version=1)
    return made


@transaction.atomic
def new_version(pattern: Product, *, actor: User, at: datetime) -> Product:
    """Write the next version of a product as a copy of `pattern`, not on sale."""
    last = Product.objects.select_for_update().filter(legal_entity_id=pattern.legal_entity_id, code=pattern.code)
    number = max(last.values_list("version", flat=True))
    copy = {name: getattr(pattern, name) for name in COPIED}
    made = Product.objects.create(version=number + 1, live=False, drafted_by=actor, **copy)
    log.record("credit.product.drafted", made, actor=actor, at=at, code=made.code, product_version=made.version, pattern=pattern.public_id)
    return made


@transaction.atomic
def write(product: Product, values: Mapping[str, Any], *, actor: User, at: datetime, mark: str = "") -> Product:
    """Write a draft's terms; a review of what it said before no longer holds.

    :raises NotADraft: if it was released, or its release waits for a second person
    :raises Stale: if it was written since `mark`
    :raises Invalid: with a sentence per wrong field
    """
    row = _draft(product)
    if mark and mark != stamp(row):
        raise Stale(_("This version was changed meanwhile: look at it again."))
    values = checked(
        values, lender={cost.EN: row.legal_entity.name_en, cost.ZH: row.legal_entity.name_zh}, on=local_day(row.legal_entity, at)
    )
    was = written(row)
    for name, value in values.items():
        setattr(row, name, value)
    row.review, row.reviewed_at, row.reviewed_by = {}, None, None
    row.save(update_fields=[*values, "review", "reviewed_at", "reviewed_by"])
    changed = sorted(name for name, value in plain(values).items() if plain(was)[name] != value)
    log.record("credit.product.written", row, actor=actor, at=at, code=row.code, product_version=row.version, fields=changed)
    return row


def checked(values: Mapping[str, Any], *, lender: dict[str, str], on: date) -> dict[str, Any]:
    """Return what is written, cleaned.

    :raises Invalid: with a sentence per wrong field
    :raises Deducted: if a charge is deducted from the payout while the rule forbids it
    """
    problems: dict[str, Any] = {}
    if values["amount_min"] > values["amount_max"]:
        problems["amount_max"] = _("Not below the smallest amount.")
    if values["term_min"] > values["term_max"]:
        problems["term_max"] = _("Not below the shortest term.")
    if not values["rates_by_grade"]:
        problems["rates_by_grade"] = _("At least one grade has a rate.")
    if values["penalty_multiplier"] < 1:
        problems["penalty_multiplier"] = _("1 or more.")
    if sorted(values["allocation_order"]) != sorted(("fee", "penalty", "interest", "principal")):
        problems["allocation_order"] = _("Each of the four parts once.")
    if any(fee.get("method") == "deducted" for fee in values["fees"]):
        rule = rules.holding(cap_seeds.IN_FULL, on=on)
        sentence = _("The principal is paid out whole: %(rule)s (%(citation)s).") % {"rule": rule, "citation": rule.citation}
        raise Deducted(sentence, fields={"fee_1_method": sentence}, rule=rule.code, citation=rule.citation)
    try:
        fees = cost.read_fees(values["fees"], lender)
    except (ValueError, KeyError):
        fees = ()
        problems["fee_1_name_en"] = _("A fee has a name in both languages and an amount or a share.")
    if sum(bool(fee.rate) for fee in fees if fee.method == "late") > 1:
        problems["fee_1_method"] = _("Only one late fee is a share of the principal.")
    if problems:
        raise Invalid(_("This cannot be a product; see the fields."), fields=problems)
    terms = product_terms.cleaned(values["terms"])
    problems = product_terms.together(values["method"], terms) or impossible(values, terms, on=on)
    if problems:
        raise Invalid(_("No schedule can be made from these terms; see the fields."), fields=problems)
    return dict(values) | {"terms": terms, "examples": product_examples.cleaned({**values, "terms": terms}, values["examples"])}


def impossible(values: Mapping[str, Any], terms: Mapping[str, Any], *, on: date) -> dict[str, Any]:
    """Return why the shortest, the longest, the smallest or the largest loan of a version would have no schedule, by field."""
    if values["method"] == Product.Method.REVOLVING and (problems := not_of_a_line(values)):
        return problems
    tried = Product(**{name: value for name, value in values.items() if name in WRITTEN} | {"terms": dict(terms)})
    rate = max(Decimal(each) for each in values["rates_by_grade"].values())
    for term in (values["term_min"], values["term_max"]):
        for amount in (values["amount_min"], values["amount_max"]):
            try:
                contract = contract_terms.of_product(tried, amount=amount, term=term, annual_rate=rate, on=on)
                costing.check_whole(contract, build(contract))
            except Refused as error:
                return {costing.FIELDS.get(error.code, "method"): costing.sentence(error.code)}
    return {}


def not_of_a_line(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a revolving line cannot be sold with, by field: it costs interest a day and a penalty, nothing else."""
    problems: dict[str, Any] = {}
    if values["day_count"] not in product_terms.LINE_DAY_COUNTS:
        problems["day_count"] = _("Interest of a line counts actual days: over 360 or over 365.")
    if values["fees"]:
        problems["fee_1_method"] = _("A line costs interest and penalty, no fee.")
    if values["early_fee_rate"]:
        problems["early_fee_rate"] = _("A line is repaid at any time without a fee.")
    return problems


@transaction.atomic
def review(product: Product, *, answers: Mapping[str, bool], note: str, actor: User, at: datetime) -> Product:
    """Record the review for consumers: each point of the list answered by a person on a day.

    :raises OwnReview: by who wrote the version
    :raises Invalid: if a point is not met: it goes back to be written
    """
    row = _draft(product)
    if row.drafted_by_id and actor.is_also(row.drafted_by_id):
        raise OwnReview(_("Nobody reviews a version they wrote: a second person has to."))
    if missing := [code for code in REVIEW if not answers.get(code)]:
        raise Invalid(
            _("Each point has to be met; else it goes back to be written."), fields={code: _("This point is not met.") for code in missing}
        )
    row.review = {"points": sorted(REVIEW), "note": note.strip()[:500], "stamp": stamp(row)}
    row.reviewed_at, row.reviewed_by = at, actor
    row.save(update_fields=["review", "reviewed_at", "reviewed_by"])
    log.record("credit.product.reviewed", row, actor=actor, at=at, code=row.code, product_version=row.version, stamp=stamp(row))
    return row


def propose(product: Product, *, live: bool, sunset_on: date | None, reason: str, actor: User, at: datetime) -> ChangeRequest:
    """Propose to release a version, to let it set on a day, or to retire it (`live` False).

    :raises NotSupported, NotReviewed, OverRateCap: what keeps a version off sale
    """
    before = _standing(product.public_id)
    after = before | {"live": live, "retired": not live, "sunset_on": sunset_on.isoformat() if sunset_on else None}
    if live and not product.live:
        current = Product.objects.filter(legal_entity_id=product.legal_entity_id, code=product.code, live=True).first()
        after |= {
            "replaces": current.public_id if current else "",
            "differences": difference(current, product),
            "on": local_day(product.legal_entity, at).isoformat(),
        }
    return changes.propose(KIND, product.public_id, after=after, reason=reason, actor=actor, at=at)


def difference(current: Product | None, product: Product) -> list[list[Any]]:
    """Return what of two versions differs: field, before, after; terms one by one."""
    was, shall = (plain(written(one)) if one else {} for one in (current, product))
    found = [
        [name, was.get(name, ""), shall[name]] for name in WRITTEN if name not in ("terms", "examples") and was.get(name) != shall[name]
    ]
    old = product_terms.whole(current.terms if current else {})
    new = product_terms.whole(product.terms)
    return found + [[f"terms.{name}", old[name], new[name]] for name in new if old[name] != new[name]]


def waiting(product: Product) -> ChangeRequest | None:
    """Return the change of this version that waits for a second person."""
    rows = ChangeRequest.objects.filter(kind=KIND, subject=product.public_id, status=ChangeRequest.Status.OPEN)
    return rows.select_related("made_by").first()


def hindrances(product: Product, *, on: date) -> list[DomainError]:
    """Return what keeps a version off sale, all of it."""
    found: list[DomainError] = []
    if missing := product_terms.unsupported(product.method, product.day_count, product.terms):
        words = ", ".join(str(each) for each in missing)
        found.append(NotSupported(_("These terms cannot be booked yet: %(terms)s.") % {"terms": words}))
    if product.reviewed_at is None or product.review.get("stamp") != stamp(product):
        found.append(NotReviewed(_("The version was not reviewed for consumers since it was last written.")))
    ends = [
        {"amount": str(amount), "term": term, "grade": grade}
        for grade in product.rates_by_grade
        for amount in {product.amount_min, product.amount_max}
        for term in {product.term_min, product.term_max}
    ]
    held = caps.holding(on)
    try:
        results = product_examples.run(product, held, on=on, of=[*ends, *product_examples.examples_of(product)])
    except costing.ImpossibleSchedule as error:
        return [*found, error]
    for tried in results:
        if broken := next((verdict for verdict in tried.verdicts if verdict.cap.binding and not verdict.passes), None):
            found.append(caps.refusal(broken))
            break
    return found


def _draft(product: Product) -> Product:
    row = Product.objects.select_for_update(of=("self",)).select_related("legal_entity").get(pk=product.pk)
    if row.stage != "draft" or Application.objects.filter(product=row).exists():
        raise NotADraft(_("%(product)s, version %(n)s, is not a draft: write the next version.") % {"product": row, "n": row.version})
    if waiting(row):
        raise NotADraft(_("Its release waits for a second person: take the proposal back first."))
    return row


# --- the kind of change --------------------------------------------------------------------------------------------
def _standing(public_id: str) -> dict[str, Any]:
    product = Product.objects.get(public_id=public_id)
    sunset = product.sunset_on.isoformat() if product.sunset_on else None
    return {"live": product.live, "retired": product.retired_at is not None, "sunset_on": sunset, "stamp": stamp(product)}


def _validate(public_id: str, after: dict[str, Any]) -> None:
    product = Product.objects.select_related("legal_entity").get(public_id=public_id)
    if product.stage == "retired":
        raise NotADraft(_("A version that was retired stays so: write the next one."))
    if after["live"] and not product.live:
        for hindrance in hindrances(product, on=date.fromisoformat(after["on"])):
            raise hindrance


LABELS: dict[str, Any] = {
    "name_en": _("Name in English"), "name_zh": _("Name in Chinese"), "method": _("Method of repayment"), "amount_min": _("Smallest amount, CNY"),
    "amount_max": _("Largest amount, CNY"), "term_min": _("Shortest term in months"), "term_max": _("Longest term in months"),
    "rates_by_grade": _("Rate a year for each risk grade"), "day_count": _("Day count"), "month_end": _("Months without the day"),
    "rounding": _("Rounding"), "grace_days": _("Days of grace"), "penalty_multiplier": _("Penalty rate as a multiple of the annual rate"),
    "penalty_within_cap": _("Whether the penalty rate is held down to the caps"), "allocation_order": _("A payment goes to"),
    "early_fee_rate": _("Fee for early settlement"), "fees": _("Fees of the product"), "offer_days": _("Days an offer stands"),
}  # fmt: skip


def label_of(name: str) -> Any:
    term = name.removeprefix("terms.")
    return product_terms.TERMS[term].label if name != term and term in product_terms.TERMS else LABELS.get(name, name)


def word_of(name: str, value: Any) -> Any:
    """Return a written value as people read it."""
    if name.startswith("terms."):
        return product_terms.said(name.removeprefix("terms."), value)
    if name == "rates_by_grade" and isinstance(value, dict):
        return " · ".join(f"{grade} {cost.percent(Decimal(rate))}" for grade, rate in sorted(value.items()))
    if name == "fees":
        return ", ".join(str(cost.speak(fee.get("name") or fee["code"], get_language() or "en")) for fee in value or ())
    if name == "allocation_order":
        return " → ".join(str(PARTS.get(part, part)) for part in value)
    if name in ("amount_min", "amount_max") and value not in ("", None):
        return grouped(Decimal(value))
    if name == "early_fee_rate" and value not in ("", None):
        return cost.percent(Decimal(value))
    if name == "penalty_multiplier" and value not in ("", None):
        return f"{Decimal(value).normalize():f} ×"
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    choices = dict(Product.Method.choices) | dict(Product.MonthEnd.choices)
    return ", ".join(map(str, value)) if isinstance(value, list) else choices.get(value, value)


def _lines(before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    yes = {True: _("Yes"), False: _("No")}
    found = [
        Line(label, yes[before.get(name, False)], yes[after[name]])
        for name, label in (("live", _("On sale")), ("retired", _("Retired")))
        if before.get(name, False) != after[name]
    ]
    if before.get("sunset_on") != after["sunset_on"]:
        found.append(Line(_("The last day an application is taken"), before.get("sunset_on") or "", after["sunset_on"] or ""))
    if after.get("replaces"):
        found.append(Line(_("Takes the place of"), after["replaces"], ""))
    return found + [Line(label_of(name), word_of(name, was), word_of(name, shall)) for name, was, shall in after.get("differences", [])]


def _make(public_id: str, after: dict[str, Any], *, actor: User, at: datetime) -> Product:
    product = Product.objects.select_for_update(of=("self",)).select_related("legal_entity").get(public_id=public_id)
    released = after["live"] and not product.live
    if released:
        for hindrance in hindrances(product, on=local_day(product.legal_entity, at)):
            raise hindrance
        Product.objects.filter(legal_entity_id=product.legal_entity_id, code=product.code, live=True).update(live=False)
        product.released_at = product.released_at or at
    product.live, product.sunset_on = after["live"], date.fromisoformat(after["sunset_on"]) if after["sunset_on"] else None
    if after["retired"]:
        product.retired_at = at
    product.save(update_fields=["live", "sunset_on", "released_at", "retired_at"])
    event = "released" if released else "retired" if after["retired"] else "sunset"
    log.record(
        f"credit.product.{event}", product, actor=actor, at=at, code=product.code, product_version=product.version, stamp=stamp(product),
        sunset_on=product.sunset_on,
    )  # fmt: skip
    return product


def _names(subjects: list[str]) -> dict[str, Any]:
    rows = Product.objects.filter(public_id__in=subjects)
    return {row.public_id: _("%(product)s, version %(n)s") % {"product": row.name, "n": row.version} for row in rows}


changes.KINDS.register(
    KIND,
    Kind(
        label=_("Release of a product"), check=CHECK_PRODUCT, standing=_standing, validate=_validate, lines=_lines, make=_make,
        name=lambda subject, after: subject, names=_names, url=lambda subject: reverse("product", args=[subject]),
    ),
)  # fmt: skip
