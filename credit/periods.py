"""Months of the books: one person closes a month that is over, two open it again."""

from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from credit.models import AccountingPeriod, BookDay
from credit.permissions import CHECK_BOOKS
from crm.lib.dates import add_months
from crm.lib.errors import DomainError, Invalid
from governance import changes
from governance.changes import Kind, Line
from governance.lifecycle import move
from governance.models import ChangeRequest, LegalEntity, User

REOPEN = "credit.period_reopen"
Status = AccountingPeriod.Status


class MonthNotOver(DomainError):
    """A month closes once its last business date is closed and in the general ledger, and the months before it are closed."""

    code = "month_not_over"


class BooksDiffer(DomainError):
    """A month does not close over differences that nobody explained."""

    code = "books_differ"


@transaction.atomic
def close(entity: LegalEntity, month: date, *, actor: User, at: datetime) -> AccountingPeriod:
    """Close a month: from now on nothing counts for a day of it.

    :raises MonthNotOver: if a day of it is still open, or the month before it is
    :raises BooksDiffer: if the last check of the books found differences
    :raises IllegalMove: if it is closed
    """
    month = month.replace(day=1)
    entity = LegalEntity.objects.select_for_update(no_key=True).get(pk=entity.pk)
    end = add_months(month, 1, 1) - timedelta(days=1)
    if entity.business_date <= end:
        raise MonthNotOver(
            _("%(month)s is not over: its business dates up to %(day)s have to be closed first.")
            % {"month": f"{month:%Y-%m}", "day": end.isoformat()}
        )
    known = months(entity)
    if month < known[0]["month"]:
        raise MonthNotOver(_("The books begin with %(month)s: there is nothing to close before.") % {"month": f"{known[0]['month']:%Y-%m}"})
    first = next((each for each in known if each["status"] == Status.OPEN), None)
    if first is not None and first["month"] < month:
        raise MonthNotOver(_("Close %(first)s first: months are closed one after the other.") % {"first": f"{first['month']:%Y-%m}"})
    last = BookDay.objects.filter(legal_entity=entity, differences__isnull=False).order_by("-business_date").first()
    if last is not None and last.differences:
        raise BooksDiffer(_("The last check of the books found %(n)s differences: clear them first.") % {"n": last.differences})
    row, _made = AccountingPeriod.objects.get_or_create(legal_entity=entity, month=month)
    return move(
        row,
        Status.CLOSED,
        actor=actor,
        at=at,
        event="credit.period.closed",
        facts={"month": f"{month:%Y-%m}"},
        closed_at=at,
        closed_by=actor,
    )


def propose_reopening(entity: LegalEntity, month: date, *, reason: str, actor: User, at: datetime) -> ChangeRequest:
    """Ask a second person to open a closed month again. The months after it stay closed.

    :raises Invalid: if it is not closed
    """
    return changes.propose(REOPEN, f"{entity.code}:{month:%Y-%m}", after={"status": str(Status.OPEN)}, reason=reason, actor=actor, at=at)


def months(entity: LegalEntity) -> list[dict[str, Any]]:
    """Return the months of the general ledger up to the open one, the oldest first, with the row of those that were ever closed."""
    begun = BookDay.objects.filter(legal_entity=entity).order_by("business_date").values_list("business_date", flat=True).first()
    rows = {row.month: row for row in AccountingPeriod.objects.filter(legal_entity=entity).select_related("closed_by")}
    month, found = min([begun or entity.business_date, *rows]).replace(day=1), []
    while month <= entity.business_date:
        row = rows.get(month)
        found.append(
            {
                "month": month,
                "row": row,
                "status": row.status if row else Status.OPEN,
                "over": add_months(month, 1, 1) <= entity.business_date,
            }
        )
        month = add_months(month, 1, 1)
    return found


def waiting(entity: LegalEntity) -> dict[str, ChangeRequest]:
    """Return the reopenings that wait for a second person, by month."""
    rows = ChangeRequest.objects.filter(kind=REOPEN, subject__startswith=f"{entity.code}:", status=ChangeRequest.Status.OPEN)
    return {row.subject.split(":")[1]: row for row in rows.select_related("made_by")}


def _place(subject: str) -> tuple[str, date]:
    code, month = subject.split(":")
    return code, date.fromisoformat(f"{month}-01")


def _standing(subject: str) -> dict[str, Any]:
    code, month = _place(subject)
    row = AccountingPeriod.objects.filter(legal_entity__code=code, month=month).first()
    return {"status": row.status if row else str(Status.OPEN)}


def _validate(subject: str, after: dict[str, Any]) -> None:
    if _standing(subject)["status"] != Status.CLOSED:
        raise Invalid(_("This month is not closed."))


def _lines(before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    said = dict(Status.choices)
    return [Line(_("Month of the books"), said[before["status"]], said[after["status"]])]


def _make(subject: str, after: dict[str, Any], *, actor: User, at: datetime) -> AccountingPeriod:
    code, month = _place(subject)
    row = AccountingPeriod.objects.get(legal_entity__code=code, month=month)
    facts = {"month": f"{month:%Y-%m}"}
    return move(row, Status.OPEN, actor=actor, at=at, event="credit.period.reopened", facts=facts, closed_at=None, closed_by=None)


def _name(subject: str, after: dict[str, Any]) -> Any:
    return _("Books of %(month)s") % {"month": subject.split(":")[1]}


def _page(subject: str) -> str:
    return reverse("period-list")


changes.KINDS.register(REOPEN, Kind(_("Reopening of a month"), CHECK_BOOKS, _standing, _validate, _lines, _make, _name, _page))
