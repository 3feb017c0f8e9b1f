"""What an agency is owed for a month, movement by movement, to the cent; and as a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet, Sum
from django.db.models.functions import TruncMonth
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from collection import permissions
from collection.models import Agency, Placement, PlacementFee
from crm.lib import tables
from crm.lib.tables import Sheet, Table
from governance.models import User

ZERO = Decimal("0.00")


@dataclass(frozen=True)
class Month:
    """Sums of one month; a fee counts in the month its movement counts for."""

    first: date
    collected: Decimal
    fee: Decimal

    @property
    def code(self) -> str:
        return f"{self.first:%Y-%m}"


def fees(agency: Agency, *, user: User) -> "QuerySet[PlacementFee]":
    """Return the fees of an agency for the placements that `user` sees."""
    return PlacementFee.objects.filter(placement__agency=agency, placement__in=Placement.objects.visible_to(user))


def months(agency: Agency, *, user: User) -> list[Month]:
    rows = fees(agency, user=user).annotate(month=TruncMonth("on")).order_by().values_list("month").annotate(Sum("collected"), Sum("fee"))
    return [Month(first, collected, fee) for first, collected, fee in sorted(rows, reverse=True)]


def first_of(code: str, known: Sequence[Month]) -> date | None:
    """Return the month a person asks for among those there are, the latest where it is none of them."""
    return next((one.first for one in known if one.code == code), known[0].first if known else None)


def of_month(agency: Agency, first: date, *, user: User) -> "QuerySet[PlacementFee]":
    """Return the movements of a month with their placement, in the order they were booked."""
    after = (first + timedelta(days=32)).replace(day=1)
    rows = fees(agency, user=user).filter(on__gte=first, on__lt=after)
    return rows.select_related("placement", "movement__loan").order_by("on", "pk")


def sheets(user: User, params: QueryDict) -> Sequence[Sheet]:
    agency = Agency.objects.visible_to(user).get(public_id=params.get("agency", ""))
    first = first_of(params.get("month", ""), months(agency, user=user))
    rows: list[list[Any]] = []
    sums = [ZERO, ZERO]
    for one in of_month(agency, first, user=user) if first else []:
        row = one.placement
        rows.append(
            [row.public_id, one.movement.public_id, one.movement.get_kind_display(), one.on.isoformat(), one.collected, row.rate, one.fee]
        )
        sums = [sums[0] + one.collected, sums[1] + one.fee]
    rows.append([_("Sum"), "", "", "", sums[0], "", sums[1]])
    heads = [_("Placement"), _("Movement"), _("Kind"), _("Counts for"), _("Came in (CNY)"), _("Rate of the fee"), _("Fee (CNY)")]
    return [Sheet(f"{agency.code} {first:%Y-%m}" if first else agency.code, heads, rows)]


STATEMENT = tables.declare(
    Table(
        name="agency-statement", title=gettext_lazy("Statement of fees"), permission=permissions.VIEW_AGENCY,
        export_permission=permissions.EXPORT_PLACEMENT, address=lambda: reverse("agency-list"), sheets=sheets,
    )
)  # fmt: skip
