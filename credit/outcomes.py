"""What became of decisions by persons: approvals of what the engine had referred, held against the loans that followed.

The engine refers where a rule speaks against approving by itself; a person who approves such a case overrides that rule. Set-based: three
queries over the applications one may see, whatever their number. A loan counts as late once an instalment was paid, or still stands
unpaid at its last close, more than 30 days after it fell due. Losses are booked nowhere in this house yet; loans more than 90 days late
today stand in for them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Case, Count, Exists, F, Max, OuterRef, Q, Sum, Value, When
from django.db.models.fields import CharField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from credit.applications import REASONS
from credit.models import Application, Installment, Loan
from credit.words import Reasons, language
from governance.models import User
from risk import words as risk_words

LATE, GONE = timedelta(days=30), 90
FEW = 30  # below this many loans a share says little: one loan moves it by more than three points
ZERO = Decimal("0.00")


@dataclass(frozen=True)
class Line:
    """One group: how many were decided each way, and what became of the loans."""

    key: str
    label: str
    approved: int
    declined: int
    loans: int
    late: int
    settled: int
    gone: int
    gone_sum: Decimal

    @property
    def late_share(self) -> Decimal | None:
        return Decimal(self.late) / self.loans if self.loans else None

    @property
    def few(self) -> bool:
        return 0 < self.loans < FEW


def overrides(*, user: User, decider: int | None) -> dict[str, Any]:
    """Return the lines by leading reason of the referral, by grade, in all, and the engine's own approvals to compare with.

    :param decider: whose decisions, by primary key of the user; everybody's when None
    """
    seen = Application.objects.visible_to(user).filter(decision__isnull=False)
    by_people = seen.filter(decided_by__isnull=False, submitted_at__isnull=False)
    if decider is not None:
        by_people = by_people.filter(decided_by=decider)
    rows = list(_counted(by_people.annotate(lead=_leading()), "lead"))
    grades = list(_counted(by_people, "decision__grade"))
    engine = list(_counted(seen.filter(decided_by__isnull=True, status__in=Application.APPROVED_ON).annotate(lead=Value("")), "lead"))
    labels = _labels(rows)
    reasons = sorted((_line(row, row["lead"] or "", labels) for row in rows), key=lambda line: (-line.approved, -line.declined, line.key))
    graded = sorted((_line(row, row["decision__grade"] or "", {}) for row in grades), key=lambda line: line.key or "~")
    return {
        "reasons": reasons,
        "grades": graded,
        "all": _sum(reasons, _("All decisions by people")),
        "engine": _sum([_line(row, "", {}) for row in engine], _("Approved by the engine itself")),
    }


def _leading() -> Case:
    """The reason that weighed most when it was referred: an approval keeps them, a decline has a person's own in their place."""
    own: Any = Coalesce(KeyTextTransform("0", "decision__reasons"), Value(""), output_field=CharField())
    return Case(When(status=Application.Status.DECLINED, then=own), default=Coalesce(F("reason_codes__0"), own), output_field=CharField())


def _counted(rows: Any, group: str) -> Any:
    overdue = Q(paid_on__gt=F("due_on") + LATE) | Q(paid_on__isnull=True, loan__closed_on__gt=F("due_on") + LATE)
    late = Exists(Installment.objects.filter(overdue, loan__application=OuterRef("pk")))
    gone = Q(loan__dpd__gt=GONE)
    return (
        rows.annotate(ever_late=late)
        .order_by()
        .values(group)
        .annotate(
            sample=Max("pk"),
            approved=Count("pk", filter=Q(approved_amount__isnull=False)),
            declined=Count("pk", filter=Q(status=Application.Status.DECLINED)),
            loans=Count("loan"),
            late=Count("loan", filter=Q(ever_late=True)),
            settled=Count("loan", filter=Q(loan__status=Loan.Status.SETTLED)),
            gone=Count("loan", filter=gone),
            gone_sum=Coalesce(Sum("loan__principal_outstanding", filter=gone), ZERO),
        )
    )


def _labels(rows: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return the short name of each leading reason, by the texts of the version that last gave it."""
    samples = {row["sample"]: row["lead"] for row in rows}
    found = list(Application.objects.filter(pk__in=samples).select_related("decision").defer("stated", "note", "decision__trace"))
    reasons = Reasons(found)
    labels = {}
    for application in found:
        code = samples[application.pk] or ""
        decision = application.decision
        texts: dict[str, Any] = {}
        if decision is not None:
            card = reasons.cards.get(decision.scorecard_version_id or 0) or {}
            texts = {**{row.get("code", name): row for name, row in card.items()}, **card}
            texts |= reasons.strategies.get(decision.strategy_version_id) or {}
        labels[code] = str(REASONS[code]) if code in REASONS else risk_words.heading(code, texts, language=language())
    return labels


def _line(row: dict[str, Any], key: str, labels: dict[str, str]) -> Line:
    names = ("approved", "declined", "loans", "late", "settled", "gone", "gone_sum")
    return Line(key=key, label=labels.get(key, key) or _("No reason recorded"), **{name: row[name] for name in names})


def _sum(lines: list[Line], label: str) -> Line:
    totals = {name: sum(getattr(line, name) for line in lines) for name in ("approved", "declined", "loans", "late", "settled", "gone")}
    return Line(key="", label=label, gone_sum=sum((line.gone_sum for line in lines), ZERO), **totals)
