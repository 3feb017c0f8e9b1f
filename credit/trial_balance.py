"""What stands on each account: balances on a day with the month's turnover, and the book of principal day by day. Sums by the database."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.urls import reverse
from django.utils.translation import gettext as _

from credit.dashboards import drawn
from credit.models import GLAccount, Posting
from crm.lib.templatetags.crm import grouped
from governance.models import LegalEntity

DAYS = 90
ZERO = Decimal("0.00")

SUMS = """
SELECT line.account_id,
    coalesce(sum(line.amount) FILTER (WHERE journal.business_date < %(first)s), 0),
    coalesce(sum(line.amount) FILTER (WHERE journal.business_date >= %(first)s AND line.amount > 0), 0),
    coalesce(-sum(line.amount) FILTER (WHERE journal.business_date >= %(first)s AND line.amount < 0), 0)
FROM credit_journalline AS line JOIN credit_journal AS journal ON journal.id = line.journal_id
WHERE journal.legal_entity_id = %(entity)s AND journal.business_date <= %(on)s
    AND (%(every)s OR journal.product_code = ANY(%(products)s))
GROUP BY 1
"""
BOOK = """
SELECT journal.business_date, sum(sum(line.amount)) OVER (ORDER BY journal.business_date)
FROM credit_journalline AS line JOIN credit_journal AS journal ON journal.id = line.journal_id
WHERE journal.legal_entity_id = %(entity)s AND journal.business_date <= %(on)s AND line.purpose = %(purpose)s
    AND (%(every)s OR journal.product_code = ANY(%(products)s))
GROUP BY 1 ORDER BY 1
"""


@dataclass
class Row:
    """One account: balance before the month, its turnover, balance on the day. Debit above zero."""

    account: GLAccount
    before: Decimal
    debit: Decimal
    credit: Decimal

    @property
    def balance(self) -> Decimal:
        return self.before + self.debit - self.credit


@dataclass
class Total:
    """The sums of all accounts; balances add up to nothing, turnovers to the same on both sides."""

    before: Decimal = ZERO
    debit: Decimal = ZERO
    credit: Decimal = ZERO
    balance: Decimal = ZERO

    @property
    def agrees(self) -> bool:
        return not self.before and not self.balance and self.debit == self.credit


def read(entity: LegalEntity, on: date, *, products: list[str] | None = None) -> tuple[list[Row], Total]:
    """Return the trial balance on a day; `products` narrows it, None is every one. Two queries."""
    values: dict[str, Any] = {
        "entity": entity.pk,
        "first": on.replace(day=1),
        "on": on,
        "every": products is None,
        "products": products or [],
    }
    with connection.cursor() as cursor:
        cursor.execute(SUMS, values)
        sums = {account: amounts for account, *amounts in cursor.fetchall()}
    nothing = [ZERO, ZERO, ZERO]
    accounts = GLAccount.objects.filter(legal_entity=entity).order_by("code")
    rows = [Row(account, *sums.get(account.pk, nothing)) for account in accounts]
    total = Total()
    for row in rows:
        total.before += row.before
        total.debit += row.debit
        total.credit += row.credit
        total.balance += row.balance
    return rows, total


def book_by_day(entity: LegalEntity, on: date, *, products: list[str] | None = None) -> dict[str, Any]:
    """Return the principal outstanding at the end of each of the last 90 days, as the chart part draws it."""
    values: dict[str, Any] = {
        "entity": entity.pk,
        "on": on,
        "purpose": Posting.Account.PRINCIPAL,
        "every": products is None,
        "products": products or [],
    }
    with connection.cursor() as cursor:
        cursor.execute(BOOK, values)
        found = cursor.fetchall()
    by_day, balance, figures = dict(found), ZERO, []
    first = on - timedelta(days=DAYS - 1)
    balance = next((amount for day, amount in reversed(found) if day < first), ZERO)
    for number in range(DAYS):
        day = first + timedelta(days=number)
        balance = by_day.get(day, balance)
        figures.append((day, balance))
    title = _("The book stands at %(amount)s on %(day)s") % {"amount": grouped(balance), "day": on.isoformat()}
    caption = _("Principal outstanding in the general ledger at the end of each day, CNY")
    labels = [day.isoformat() for day, _amount in figures]
    return {
        "name": "book",
        "title": title,
        "caption": caption,
        "data": drawn("line", title=title, caption=caption, on=on, labels=labels, unit="money",
                      series=[("book", _("principal"), [float(amount) for _day, amount in figures])], empty=not found),  # pixels
        "heads": [_("Day"), _("Principal (CNY)")],
        "rows": [
            {"label": day.isoformat(), "cells": [grouped(amount)], "url": f"{reverse('books')}?on={day.isoformat()}"} for day, amount in figures
        ],
    }  # fmt: skip
