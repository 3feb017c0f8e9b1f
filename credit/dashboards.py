"""Figures of lending for homes and dashboards: the pipeline as a funnel, approvals by week. Sums are made by the database."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, DecimalField, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncWeek
from django.urls import reverse
from django.utils.timezone import make_aware
from django.utils.translation import gettext as _

from credit.models import Application
from crm.lib.templatetags.crm import grouped, percent

Status = Application.Status
WEEKS = 12
DAYS = 90
MONEY = DecimalField(max_digits=18, decimal_places=2)
ZERO = Decimal("0.00")


def funnel(applications: QuerySet[Application], *, at: datetime) -> dict[str, Any]:
    """Return how many of the applications submitted in the last 90 days were decided, approved and booked.

    What is counted is a column of the index by which they are found, so that no row has to be read.
    """
    since = at - timedelta(days=DAYS)
    offered, booked = Q(approved_amount__isnull=False), Q(status=Status.BOOKED)
    found = applications.filter(submitted_at__gte=since).aggregate(
        submitted=Count("submitted_at"),
        decided=Count("submitted_at", filter=offered | Q(status=Status.DECLINED)),
        approved=Count("submitted_at", filter=offered),
        accepted=Count("submitted_at", filter=Q(status__in=(Status.ACCEPTED, Status.BOOKED))),
        booked=Count("submitted_at", filter=booked),
        amount=Coalesce(Sum("approved_amount", filter=booked), ZERO, output_field=MONEY),
    )
    stages = [
        (_("Submitted"), found["submitted"]),
        (_("Decided"), found["decided"]),
        (_("Approved"), found["approved"]),
        (_("Accepted"), found["accepted"]),
        (_("Booked"), found["booked"]),
    ]
    whole = found["submitted"]
    title = (
        _("%(share)s of %(number)s applications became loans")
        % {"share": percent(Decimal(found["booked"]) / whole), "number": f"{whole:,}"}
        if whole
        else _("No application was submitted in this time")
    )
    caption = _("Applications submitted in the last %(days)s days, by how far they got; %(amount)s booked") % {
        "days": DAYS,
        "amount": grouped(found["amount"]),
    }
    return {
        "name": "funnel",
        "title": title,
        "caption": caption,
        "data": drawn("bar", title=title, caption=caption, on=at.date(), labels=[label for label, _n in stages], unit="count",
                      series=[("applications", _("applications"), [number for _label, number in stages])], empty=not whole),
        "heads": [_("Stage"), _("Applications"), _("Share of submitted")],
        "rows": [
            {"label": label, "cells": [f"{number:,}", percent(Decimal(number) / whole) if whole else ""]} for label, number in stages
        ],
    }  # fmt: skip


def approval_rate(applications: QuerySet[Application], *, at: datetime) -> dict[str, Any]:
    """Return the share approved of what was decided, by the week of the decision; a running week is marked as such."""
    first = (at - timedelta(weeks=WEEKS - 1)).date()
    first -= timedelta(days=first.weekday())
    outcome = Q(approved_amount__isnull=False)
    rows = (
        applications.filter(decided_at__gte=make_aware(datetime.combine(first, time.min)))
        .annotate(week=TruncWeek("decided_at"))
        .order_by()
        .values_list("week")
        .annotate(
            approved=Count("decided_at", filter=outcome),
            decided=Count("decided_at", filter=outcome | Q(status=Status.DECLINED)),
        )
    )
    by_week = {week.date(): (approved, decided) for week, approved, decided in rows}
    weeks = [first + timedelta(weeks=number) for number in range(WEEKS)]
    figures = [by_week.get(week, (0, 0)) for week in weeks]
    shares = [Decimal(approved) / decided if decided else None for approved, decided in figures]
    approved, decided = sum(a for a, _d in figures), sum(d for _a, d in figures)
    title = (
        _("%(share)s of decided applications were approved in %(weeks)s weeks")
        % {"share": percent(Decimal(approved) / decided), "weeks": WEEKS}
        if decided
        else _("No application was decided in this time")
    )
    caption = _("Share approved of decided applications, by week of the decision; the last week still runs")
    labels = [f"{week.isocalendar().year}-W{week.isocalendar().week:02}" for week in weeks]
    drawn_shares = [None if share is None else float(share) for share in shares]  # pixels
    return {
        "name": "approval",
        "title": title,
        "caption": caption,
        "data": drawn("line", title=title, caption=caption, on=at.date(), labels=labels, unit="percent",
                      series=[("approved", _("approved"), drawn_shares)], empty=not decided),
        "heads": [_("Week"), _("Decided"), _("Approved"), _("Approval rate")],
        "rows": [
            {"label": label, "cells": [f"{decided:,}", f"{approved:,}", percent(share) if share is not None else ""]}
            for label, (approved, decided), share in zip(labels, figures, shares, strict=True)
        ],
    }  # fmt: skip


def drawn(
    kind: str, *, title: str, caption: str, on: date, labels: list[Any], unit: str, series: list[tuple[str, str, list[Any]]], empty: bool
) -> dict[str, Any]:
    """Return the figures of one chart in the form the chart part draws."""
    return {
        "v": 1, "kind": kind, "title": title, "caption": caption, "as_of": on.isoformat(), "complete": True, "note": "",
        "x": {"label": "", "type": "category", "values": [str(label) for label in labels]},
        "y": {"label": "", "unit": unit},
        "series": [] if empty else [{"key": key, "name": name, "role": "main", "values": values} for key, name, values in series],
        "marks": [], "events": [],
    }  # fmt: skip


def rate_of_weeks(applications: QuerySet[Application], *, at: datetime, weeks: int) -> tuple[Decimal | None, int]:
    """Return the share approved of what was decided in the last weeks, and how many were decided; one statement."""
    outcome = Q(approved_amount__isnull=False)
    row = applications.filter(decided_at__gte=at - timedelta(weeks=weeks)).aggregate(
        approved=Count("decided_at", filter=outcome),
        decided=Count("decided_at", filter=outcome | Q(status=Status.DECLINED)),
    )
    return (Decimal(row["approved"]) / row["decided"] if row["decided"] else None, row["decided"])


def approval_tile(user: Any, at: datetime) -> dict[str, Any]:
    """Return the figure of approvals for homes."""
    share, decided = rate_of_weeks(Application.objects.visible_to(user), at=at, weeks=4)
    return {
        "figure": percent(share) if share is not None else "",
        "under": _("of %(n)s decided in 4 weeks") % {"n": f"{decided:,}"},
        "url": reverse("credit-dashboard"),
    }
