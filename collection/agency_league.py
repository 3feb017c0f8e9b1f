"""The league of agencies: what each was given, brought, earned, and how it behaved. Six statements, however many agencies."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Avg, Count, F, Q, QuerySet, Sum

from collection.models import Agency, Complaint, Contact, Placement, Promise, QualityReview
from customers.models import ContactVerdict

ZERO = Decimal("0.00")
TEN_THOUSAND = 10_000


@dataclass(frozen=True)
class Row:
    """One agency's figures; amounts in CNY. A rate is None where there is nothing to divide by."""

    agency: Agency
    placed: int = 0
    running: int = 0
    recalled: int = 0
    balance: Decimal = ZERO
    collected: Decimal = ZERO
    fee: Decimal = ZERO
    kept: int = 0
    broken: int = 0
    contacts: int = 0
    complaints: int = 0
    blocks: int = 0
    scored: int = 0
    score: Decimal | None = None

    @property
    def room(self) -> int:
        return max(self.agency.capacity - self.running, 0)

    @property
    def liquidation(self) -> Decimal | None:
        """What came in of what was overdue when it was given."""
        return self.collected / self.balance if self.balance else None

    @property
    def kept_rate(self) -> Decimal | None:
        return Decimal(self.kept) / (self.kept + self.broken) if self.kept + self.broken else None

    @property
    def complaint_rate(self) -> Decimal | None:
        """Complaints for 10,000 contacts."""
        return Decimal(self.complaints * TEN_THOUSAND) / self.contacts if self.contacts else None


def league(agencies: QuerySet[Agency]) -> list[Row]:
    """Return the agencies with their figures, who brought the larger share of what it was given first.

    Complaints are those about cases while they were placed, whoever was told; contacts, promises and refusals of the contact policy are those
    of the people and clients of the agency; the score is the mean of 100 of their contacts that were scored by the quality form.
    """
    rows = list(agencies.order_by("code"))
    sums = of_placements(rows)
    kept, broken = Count("pk", filter=Q(status=Promise.Status.KEPT)), Count("pk", filter=Q(status=Promise.Status.BROKEN))
    promises = by_agency(Promise.objects.filter(taken_by__agencies__in=rows), "taken_by__agencies", kept=kept, broken=broken)
    contacts = by_agency(Contact.objects.filter(actor__agencies__in=rows), "actor__agencies", contacts=Count("pk"))
    refused = ContactVerdict.objects.filter(actor__agencies__in=rows).exclude(verdict=ContactVerdict.Kind.ALLOW)
    blocks = by_agency(refused, "actor__agencies", blocks=Count("pk"))
    meant = Q(case__placements__ended_on__isnull=True) | Q(opened_on__lte=F("case__placements__ended_on"))
    moaned = Complaint.objects.filter(meant, opened_on__gte=F("case__placements__placed_on"), case__placements__agency__in=rows)
    complaints = by_agency(moaned, "case__placements__agency", complaints=Count("pk", distinct=True))
    looked = QualityReview.objects.filter(contact__actor__agencies__in=rows, round=1, score__isnull=False)
    scores = by_agency(looked, "contact__actor__agencies", scored=Count("pk"), score=Avg("score"))
    found = [
        Row(
            agency=row,
            **{
                name: value
                for part in (sums, promises, contacts, blocks, complaints, scores)
                for name, value in part.get(row.pk, {}).items()
            },
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: (-(one.liquidation or ZERO), one.agency.code))


def of_placements(rows: list[Agency]) -> Mapping[int, dict[str, Any]]:
    return by_agency(
        Placement.objects.filter(agency__in=rows), "agency", placed=Count("pk"), running=Count("pk", filter=Q(status=Placement.Status.PLACED)),
        recalled=Count("pk", filter=Q(status=Placement.Status.RECALLED)), balance=Sum("balance", default=ZERO),
        collected=Sum("collected", default=ZERO), fee=Sum("fee", default=ZERO),
    )  # fmt: skip


def by_agency(rows: QuerySet[Any], path: str, **figures: Any) -> dict[int, dict[str, Any]]:
    named = rows.order_by().values(of=F(path)).annotate(**{f"n_{name}": figure for name, figure in figures.items()})
    return {one["of"]: {name: one[f"n_{name}"] for name in figures} for one in named}
