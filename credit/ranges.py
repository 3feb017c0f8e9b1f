"""Named spans of treatment days: which hold for a product on a day, the change of them by two persons, and a loan's way through them."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as said
from django.utils.translation import gettext_lazy as _

from credit.delinquency import Range
from credit.models import DelinquencyRanges, Loan, Product, RangeMove
from credit.permissions import CHECK_PRODUCT
from crm.lib.errors import Invalid
from governance import changes
from governance.changes import Kind, Line
from governance.models import ChangeRequest, LegalEntity, User
from ledger import log

KIND = "credit.delinquency_ranges"
NAME = re.compile(r"[A-Z0-9_+\-]{1,20}")
MOST, LONGEST = 12, 3_650
# Where a product names none: by month, as buckets are.
BY_BUCKET = (*(Range(f"M{n}", n * 30 - 29, n * 30) for n in range(1, 7)), Range("M7+", 181))
Rows = list[list[Any]]


def of(rows: Sequence[Sequence[Any]]) -> tuple[Range, ...]:
    """Return stored rows of (name, first, last) as ranges; none: by bucket."""
    return tuple(Range(*row) for row in rows) or BY_BUCKET


def holding(entity_id: int, day: date) -> dict[int, tuple[Range, ...]]:
    """Return the ranges that hold on a day, by the product's key: every version of a product has those of its code. Two queries."""
    own = {
        row.product_code: row.ranges
        for row in DelinquencyRanges.objects.filter(legal_entity=entity_id, effective_from__lte=day)
        .order_by("product_code", "-effective_from")
        .distinct("product_code")
    }
    rows = Product.objects.filter(legal_entity=entity_id).values_list("pk", "code", "delinquency_ranges")
    return {pk: of(own.get(code, made_with)) for pk, code, made_with in rows}


def begins(entity_id: int, after: date, until: date) -> set[date]:
    """Return the days in (after, until] from which other ranges hold for a product of the lender."""
    rows = DelinquencyRanges.objects.filter(legal_entity=entity_id, effective_from__gt=after, effective_from__lte=until)
    return set(rows.values_list("effective_from", flat=True))


def of_loan(loan: Loan) -> tuple[Range, ...]:
    """Return the ranges of a loan's product on the open business date."""
    return holding(loan.legal_entity_id, loan.legal_entity.business_date).get(loan.product_id, BY_BUCKET)


def leave(loan: Loan) -> None:
    """Write that a loan which ended left its range; called within the change that ended it."""
    if loan.delinquency_range:
        RangeMove.objects.create(
            loan=loan, business_date=loan.legal_entity.business_date, was=loan.delinquency_range, now="", treatment_dpd=loan.treatment_dpd
        )
        loan.delinquency_range = ""


def history(loan: Loan) -> list[dict[str, Any]]:
    """Return the loan's way through its ranges with the pauses of treatment, the latest first. Two queries."""
    moves = [
        {"day": row.business_date, "was": row.was, "now": row.now, "days": row.treatment_dpd} for row in loan.range_moves.order_by("pk")
    ]
    opened = loan.legal_entity.business_date
    for pause in loan.pauses.select_related("made_by", "resumed_by").order_by("from_on"):
        moves.append({"day": pause.from_on, "pause": pause.get_reason_display(), "until": pause.until_on, "by": pause.made_by})
        if pause.until_on is not None and pause.until_on <= opened:
            moves.append({"day": pause.until_on, "resumed": True, "by": pause.resumed_by})
    return sorted(moves, key=lambda each: each["day"], reverse=True)


# --- the change of a product's ranges ------------------------------------------------------------------------------
def propose(entity: LegalEntity, product_code: str, *, ranges: Rows, since: date, reason: str, actor: User, at: datetime) -> ChangeRequest:
    """Propose other ranges for a product from a business date on.

    :raises Invalid: for names that repeat, spans that overlap or leave a day out, or a date that is closed
    """
    after = {"ranges": [list(row) for row in ranges], "since": since.isoformat()}
    return changes.propose(KIND, f"{entity.code}:{product_code}", after=after, reason=reason, actor=actor, at=at)


def newest(entity_code: str, product_code: str) -> DelinquencyRanges | None:
    rows = DelinquencyRanges.objects.filter(legal_entity__code=entity_code, product_code=product_code)
    return rows.order_by("-effective_from").first()


def stored(entity: LegalEntity, product_code: str) -> Rows:
    """Return the ranges a product will have once every change has begun, as rows."""
    row = newest(entity.code, product_code)
    return row.ranges if row is not None else made_with(entity, product_code)


def made_with(entity: LegalEntity, product_code: str) -> Rows:
    """Return the ranges the latest version of a product was made with."""
    row = Product.objects.filter(legal_entity=entity, code=product_code).order_by("-version").first()
    return row.delinquency_ranges if row else []


def waiting(entity: LegalEntity) -> dict[str, ChangeRequest]:
    """Return what waits for a second person, by product."""
    rows = ChangeRequest.objects.filter(kind=KIND, subject__startswith=f"{entity.code}:", status=ChangeRequest.Status.OPEN)
    return {row.subject.split(":")[1]: row for row in rows.select_related("made_by")}


def told(rows: Sequence[Sequence[Any]]) -> list[str]:
    """Return ranges as people read them."""
    return [f"{each.name} {each.first}–{each.last}" if each.last is not None else f"{each.name} ≥ {each.first}" for each in of(rows)]


def _standing(subject: str) -> dict[str, Any]:
    row = newest(*subject.split(":"))
    return {"ranges": row.ranges, "since": row.effective_from.isoformat()} if row else {}


def _validate(subject: str, after: dict[str, Any]) -> None:
    code, product_code = subject.split(":")
    entity = LegalEntity.objects.get(code=code)
    if not Product.objects.filter(legal_entity=entity, code=product_code).exists():
        raise Invalid(_("There is no such product."))
    problem = problem_of(after["ranges"])
    if problem:
        raise Invalid(problem, fields={"ranges": problem})
    since, row = date.fromisoformat(after["since"]), newest(code, product_code)
    sentence: Any = ""
    if since < entity.business_date:
        sentence = _("%(day)s is closed and counted: choose %(open)s or a later day.") % {
            "day": since.isoformat(), "open": entity.business_date.isoformat(),
        }  # fmt: skip
    elif row is not None and since <= row.effective_from:
        sentence = _("Other ranges begin after those that stand: after %(day)s.") % {"day": row.effective_from.isoformat()}
    if sentence:
        raise Invalid(sentence, fields={"since": sentence})


def problem_of(rows: Sequence[Sequence[Any]]) -> Any:
    """Return what is wrong with ranges, "" when nothing is: they begin at day 1, follow one another, and only the last may be open."""
    if len(rows) > MOST:
        return _("A product has at most %(n)s ranges.") % {"n": MOST}
    expected, names = 1, set()
    for place, (name, first, last) in enumerate(rows):
        if not NAME.fullmatch(str(name)):
            return _("“%(name)s” is no name of a range: capital letters, digits, + - and _, at most 20.") % {"name": name}
        if name in names:
            return _("The name “%(name)s” stands twice.") % {"name": name}
        if first != expected:
            return _("“%(name)s” has to begin on day %(day)s: ranges leave no day out.") % {"name": name, "day": expected}
        if last is None and place < len(rows) - 1:
            return _("Only the last range has no end.")
        if last is not None and not first <= last <= LONGEST:
            return _("“%(name)s” ends before it begins, or after ten years.") % {"name": name}
        names.add(name)
        expected = (last or LONGEST) + 1
    return ""


def _lines(before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    return [
        Line(_("From"), before.get("since", ""), after["since"]),
        Line(_("Ranges, days late"), ", ".join(told(before["ranges"])) if before else "", ", ".join(told(after["ranges"]))),
    ]


def _make(subject: str, after: dict[str, Any], *, actor: User, at: datetime) -> DelinquencyRanges:
    _validate(subject, after)  # a day may have been closed while it waited
    code, product_code = subject.split(":")
    row = DelinquencyRanges.objects.create(
        legal_entity=LegalEntity.objects.get(code=code), product_code=product_code, effective_from=date.fromisoformat(after["since"]),
        ranges=after["ranges"], added_by=actor, added_at=at,
    )  # fmt: skip
    log.record("credit.ranges.set", row, actor=actor, at=at, product=product_code, **after)
    return row


def _name(subject: str, after: dict[str, Any]) -> Any:
    return said("Ranges of days late, %(product)s") % {"product": subject.split(":")[1]}


changes.KINDS.register(
    KIND,
    Kind(
        _("Ranges of days late"),
        CHECK_PRODUCT,
        _standing,
        _validate,
        _lines,
        _make,
        _name,
        lambda subject: reverse("delinquency-range-list"),
    ),
)
