"""Charts of collections, in the form the chart part draws, each with the same figures as a table."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from collection import figures
from collection.models import Case, Promise
from credit.accrual import LAST_BUCKET, bucket_name
from crm.lib.templatetags.crm import grouped, percent, spoken

ZERO = Decimal("0.00")


def drawn(
    name: str, *, title: str, caption: str, on: date, labels: list[str], amounts: list[Decimal], unit: str, key: str
) -> dict[str, Any]:
    """Return one chart of one series of amounts; drawing needs no more than a float, the table beside it has the cents."""
    data = {
        "v": 1, "kind": "bar", "title": title, "caption": caption, "as_of": on.isoformat(), "complete": True, "note": "",
        "x": {"label": "", "type": "category", "values": labels},
        "y": {"label": unit, "unit": "money"},
        "series": [{"key": key, "name": unit, "role": "main", "values": [float(amount) for amount in amounts]}] if any(amounts) else [],  # pixels
        "marks": [], "events": [],
    }  # fmt: skip
    return {"name": name, "title": title, "caption": caption, "data": data}


def by_bucket(cases: QuerySet[Case], *, on: date) -> dict[str, Any]:
    """Return what is overdue, by bucket."""
    found = figures.by_bucket(cases)
    buckets = range(1, LAST_BUCKET + 1)
    amounts = [found.get(bucket, (0, ZERO))[1] for bucket in buckets]
    whole = sum(amounts, ZERO)
    late = sum(amounts[3:], ZERO)
    title = (
        _("%(amount)s is overdue, %(share)s of it by more than 90 days") % {"amount": spoken(whole), "share": percent(late / whole)}
        if whole
        else _("Nothing is overdue")
    )
    chart = drawn(
        "bucket", title=title, caption=_("Overdue amount of open cases by bucket"), on=on, labels=[bucket_name(bucket) for bucket in buckets],
        amounts=amounts, unit=_("overdue"), key="overdue",
    )  # fmt: skip
    url = reverse("case-list")
    return chart | {
        "heads": [_("Bucket"), _("Cases"), _("Overdue (CNY)")],
        "rows": [
            {"label": bucket_name(bucket), "url": f"{url}?bucket={bucket}", "cells": [found.get(bucket, (0, ZERO))[0], grouped(amount)]}
            for bucket, amount in zip(buckets, amounts, strict=True)
        ],
    }


def promises(rows: QuerySet[Promise], *, since: date, on: date) -> dict[str, Any]:
    """Return the promises taken since a day, by what became of them."""
    found = figures.by_status(rows, since=since)
    rate = figures.kept_rate(rows, since=since, until=on)
    amounts = [found.get(status, (0, ZERO))[1] for status in Promise.Status.values]
    title = (
        _("%(number)s of judged promises were kept, %(amount)s of their amount")
        % {"number": percent(rate.by_number), "amount": percent(rate.by_amount)}
        if rate.by_number is not None
        else _("No promise was judged yet")
    )
    chart = drawn(
        "promises", title=title, caption=_("Amount of promises taken since %(day)s by state") % {"day": since.isoformat()}, on=on,
        labels=[str(label) for label in Promise.Status.labels], amounts=amounts, unit=_("promised"), key="promised",
    )  # fmt: skip
    url = reverse("promise-list")
    return chart | {
        "heads": [_("State"), _("Promises"), _("Promised (CNY)")],
        "rows": [
            {
                "label": Promise.Status(status).label,
                "url": f"{url}?status={status}",
                "cells": [found.get(status, (0, ZERO))[0], grouped(amount)],
            }
            for status, amount in zip(Promise.Status.values, amounts, strict=True)
        ],
    }


def collected(cases: QuerySet[Case], *, days: int, on: date) -> dict[str, Any]:
    """Return what came in by day, on loans while they were in a case."""
    first = on - timedelta(days=days - 1)
    found = figures.collected(cases, since=first, until=on, by="day")
    each = [first + timedelta(days=number) for number in range(days)]
    amounts = [found.get(day, ZERO) for day in each]
    words = {"today": spoken(amounts[-1]), "whole": spoken(sum(amounts, ZERO)), "days": days}
    chart = drawn(
        "collected", title=_("%(today)s came in today, %(whole)s in %(days)s days") % words,
        caption=_("Repayments on loans in a case, by day, reversals taken off"), on=on, labels=[f"{day:%m-%d}" for day in each],
        amounts=amounts, unit=_("collected"), key="collected",
    )  # fmt: skip
    return chart | {
        "heads": [_("Day"), _("Collected (CNY)")],
        "rows": [
            {"label": day.isoformat(), "cells": [grouped(amount)]} for day, amount in zip(reversed(each), reversed(amounts), strict=True)
        ],
    }
