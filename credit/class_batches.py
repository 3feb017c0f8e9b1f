"""The month-end batch of classes: the close makes it, three people answer for it; and the figures they read."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Sum
from django.utils.translation import gettext_lazy as _

from credit import close_rules, close_steps, four_eyes
from credit.models import ClassBatch, LoanSnapshot
from crm.lib.errors import Stale
from governance import users
from governance.lifecycle import move
from governance.models import LegalEntity, User
from ledger import log

ZERO = Decimal("0.00")

# What a month did to the classes: against the month before where the loan was there, and against what its days alone say.
COUNTS = """
SELECT count(*), count(*) FILTER (WHERE now.risk_class > coalesce(before.risk_class, 1)),
    count(*) FILTER (WHERE now.risk_class < before.risk_class),
    count(*) FILTER (WHERE now.risk_class > 1 + (now.dpd > %(one)s)::int + (now.dpd > %(two)s)::int + (now.dpd > %(three)s)::int
        + (now.dpd > %(four)s)::int)
FROM credit_loansnapshot AS now
LEFT JOIN credit_loansnapshot AS before ON before.month = %(before)s AND before.loan_id = now.loan_id
WHERE now.month = %(month)s AND now.legal_entity_id = %(entity)s
"""


def after_close(entity: LegalEntity, day: date, *, at: datetime) -> ClassBatch | None:
    """Make the batch of the month that ended with `day`, once; None on any other day."""
    if not close_steps.is_month_end(day):
        return None
    known = ClassBatch.objects.filter(legal_entity=entity, month=day).first()
    return known or make(entity, day, at=at)


@transaction.atomic
def make(entity: LegalEntity, month: date, *, at: datetime) -> ClassBatch:
    """Put the classes of a month's end before people."""
    made, new = ClassBatch.objects.get_or_create(legal_entity=entity, month=month, defaults={"made_at": at, **counts(entity, month)})
    if new:
        log.record("credit.class_batch.made", made, actor=users.system(), at=at, month=month, loans=made.loans)
    return made


@transaction.atomic
def check(batch: ClassBatch, *, actor: User, at: datetime, version: int | None = None) -> ClassBatch:
    """Stand for the batch initially. It is counted anew: loans that were set aside may have been closed since."""
    row = _locked(batch, version)
    changes = counts(row.legal_entity, row.month)
    return _moved(row, ClassBatch.Status.INITIAL, actor=actor, at=at, checked_by=actor, checked_at=at, **changes)


@transaction.atomic
def decide(batch: ClassBatch, *, actor: User, at: datetime, version: int | None = None) -> ClassBatch:
    """Decide as the second person.

    :raises SamePerson: if `actor` checked it
    """
    row = _locked(batch, version)
    if row.checked_by_id is not None:
        four_eyes.check(row.checked_by_id, actor=actor)
    return _moved(row, ClassBatch.Status.DECIDED, actor=actor, at=at, decided_by=actor, decided_at=at)


@transaction.atomic
def approve(batch: ClassBatch, *, actor: User, at: datetime, version: int | None = None) -> ClassBatch:
    """Approve as the third person.

    :raises SamePerson: if `actor` checked or decided it
    """
    row = _locked(batch, version)
    for first in (row.checked_by_id, row.decided_by_id):
        if first is not None:
            four_eyes.check(first, actor=actor)
    return _moved(row, ClassBatch.Status.APPROVED, actor=actor, at=at, approved_by=actor, approved_at=at)


@transaction.atomic
def send_back(batch: ClassBatch, *, actor: User, at: datetime, version: int | None = None) -> ClassBatch:
    """Let it be checked anew, from the start."""
    row = _locked(batch, version)
    return _moved(row, ClassBatch.Status.MADE, actor=actor, at=at, checked_by=None, checked_at=None, decided_by=None, decided_at=None)


def counts(entity: LegalEntity, month: date) -> dict[str, int]:
    """Return how many loans the month's end holds, and how many became worse, better, or are worse than their days say."""
    held = close_rules.holding(month).classes
    values: dict[str, Any] = {
        "month": month, "before": month.replace(day=1) - timedelta(days=1), "entity": entity.pk, "one": held.special_mention,
        "two": held.substandard, "three": held.doubtful, "four": held.loss,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, values)
        return dict(zip(("loans", "worse", "better", "overridden"), cursor.fetchone(), strict=True))


def figures(batch: ClassBatch) -> list[dict[str, Any]]:
    """Return the batch by class: loans, principal outstanding, expected loss."""
    rows = LoanSnapshot.objects.filter(month=batch.month, legal_entity=batch.legal_entity_id).order_by()
    found = rows.values("risk_class").annotate(loans=Count("loan_id"), balance=Sum("principal_outstanding"), loss=Sum("ecl"))
    by_class = {row["risk_class"]: row for row in found}
    empty = {"loans": 0, "balance": ZERO, "loss": ZERO}
    return [{**empty, **by_class.get(number, {}), "risk_class": number} for number in range(1, 6)]


def _locked(batch: ClassBatch, version: int | None) -> ClassBatch:
    row = ClassBatch.objects.select_for_update(of=("self",)).select_related("legal_entity").get(pk=batch.pk)
    if version is not None and row.version != version:
        raise Stale(_("%(record)s was changed meanwhile: look at it again.") % {"record": row})
    return row


def _moved(row: ClassBatch, to: str, *, actor: User, at: datetime, **changes: Any) -> ClassBatch:
    return move(row, to, actor=actor, at=at, event=f"credit.class_batch.{to}", facts={"month": row.month, "loans": row.loans}, **changes)
