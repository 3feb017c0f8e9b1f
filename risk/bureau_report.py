"""Reading a bureau's report: JSON in, typed figures out, or a refusal. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from crm.lib.dates import add_months
from crm.lib.money import total

FULL, THIN, FROZEN, UNKNOWN = "full", "thin", "frozen", "unknown"
KINDS = ("card", "consumer", "mortgage", "car", "business", "other")
MONTH = re.compile(r"^[0-9]{4}-(0[1-9]|1[0-2])$")
CODE = re.compile(r"^[A-Za-z0-9-]{1,12}$")
MONEY = re.compile(r"^[0-9]{1,12}(\.[0-9]{1,2})?$")
MOST_ACCOUNTS, MOST_INQUIRIES, MONTHS = 200, 500, 24
WORST = 9_999
APPROVAL = "credit_approval"


class NotAReport(ValueError):
    """What came is no report of the contract; the message says which part."""


@dataclass(frozen=True, slots=True)
class Account:
    """One account at another lender. `dpd` is days past due at each month's end, the newest first, at most 24."""

    lender: str
    kind: str
    opened: date
    limit: Decimal
    balance: Decimal
    monthly: Decimal
    overdue: Decimal
    dpd: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One look at the person's file by a lender."""

    on: date
    purpose: str
    lender: str


@dataclass(frozen=True, slots=True)
class Report:
    """A report as it was read; `standing` is full, thin or frozen."""

    reference: str
    on: date
    standing: str
    disputed: bool
    accounts: tuple[Account, ...]
    inquiries: tuple[Inquiry, ...]


def read(body: Mapping[str, Any], *, key: str = "") -> Report:
    """Read a report of the contract (docs/bureau.md).

    :param key: the query's key, which the report must name; empty: not compared
    :raises NotAReport: if a part is missing or cannot be
    """
    if key and body.get("key") != key:
        raise NotAReport("it answers another query")
    reference, standing = body.get("report"), body.get("status")
    if not isinstance(reference, str) or not 0 < len(reference) <= 64:
        raise NotAReport("report")
    if standing not in (FULL, THIN, FROZEN):
        raise NotAReport("status")
    on = _day(body.get("as_of"), "as_of")
    accounts = _rows(body, "accounts", MOST_ACCOUNTS)
    inquiries = _rows(body, "inquiries", MOST_INQUIRIES)
    return Report(
        reference=reference,
        on=on,
        standing=standing,
        disputed=body.get("disputed") is True,
        accounts=tuple(_account(row, on) for row in accounts),
        inquiries=tuple(_inquiry(row, on) for row in inquiries),
    )


def figures(report: Report) -> dict[str, Any]:
    """Return the figures of a report by their column; nothing of a frozen one: what it holds may not be used."""
    if report.standing == FROZEN:
        return {}
    asked = [one.on for one in report.inquiries if one.purpose == APPROVAL]
    held = report.accounts
    since = {months: add_months(report.on, -months) for months in (1, 3, 6)}
    oldest = min((one.opened for one in held), default=None)
    return {
        **{f"inquiries_{months}m": sum(day > start for day in asked) for months, start in since.items()},
        "open_accounts": len(held),
        "lenders": len({one.lender for one in held}),
        "limits": total([one.limit for one in held]),
        "balance": total([one.balance for one in held]),
        "monthly_due": total([one.monthly for one in held]),
        "overdue_now": total([one.overdue for one in held]),
        "overdue_accounts": sum(one.overdue > 0 for one in held),
        "worst_dpd_24m": max((days for one in held for days in one.dpd), default=0),
        "oldest_months": (report.on.year - oldest.year) * 12 + report.on.month - oldest.month if oldest else None,
    }


def _rows(body: Mapping[str, Any], name: str, most: int) -> list[Mapping[str, Any]]:
    rows = body.get(name)
    if not isinstance(rows, list) or len(rows) > most or not all(isinstance(row, dict) for row in rows):
        raise NotAReport(name)
    return rows


def _account(row: Mapping[str, Any], on: date) -> Account:
    lender, kind, opened, dpd = row.get("lender"), row.get("kind"), row.get("opened"), row.get("dpd")
    if not isinstance(lender, str) or not CODE.match(lender):
        raise NotAReport("accounts: lender")
    if not isinstance(opened, str) or not MONTH.match(opened):
        raise NotAReport("accounts: opened")
    if not isinstance(dpd, list) or len(dpd) > MONTHS or not all(type(days) is int and 0 <= days <= WORST for days in dpd):
        raise NotAReport("accounts: dpd")
    begun = date(int(opened[:4]), int(opened[5:]), 1)
    if begun > on:
        raise NotAReport("accounts: opened")
    limit, balance, monthly, overdue = (_money(row.get(name), f"accounts: {name}") for name in ("limit", "balance", "monthly", "overdue"))
    return Account(lender, kind if kind in KINDS else "other", begun, limit, balance, monthly, overdue, tuple(dpd))


def _inquiry(row: Mapping[str, Any], on: date) -> Inquiry:
    day, purpose, lender = _day(row.get("on"), "inquiries: on"), row.get("purpose"), row.get("lender")
    if day > on or not isinstance(purpose, str) or not isinstance(lender, str) or not CODE.match(lender):
        raise NotAReport("inquiries")
    return Inquiry(day, purpose[:20], lender)


def _day(value: Any, name: str) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise NotAReport(name) from None


def _money(value: Any, name: str) -> Decimal:
    if not isinstance(value, str) or not MONEY.match(value):
        raise NotAReport(name)
    try:
        return Decimal(value).quantize(Decimal("0.01"))
    except InvalidOperation:
        raise NotAReport(name) from None
