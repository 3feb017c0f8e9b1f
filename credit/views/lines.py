"""What the page of a loan shows of a revolving line: how much of the limit is used, its statements, what it costs and asks for next."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.utils.translation import gettext as _

from credit import contract_terms, lines, repayments
from credit.accrual import bucket
from credit.models import Installment, Loan, Posting
from credit.state import REST
from crm.lib.templatetags.crm import spoken

ZERO = Decimal("0.00")


def of(loan: Loan, installments: list[Installment], rows: list[dict[str, Any]], on: date) -> dict[str, Any]:
    """Return the facts of a line as of a day; `rows` are its statements as the schedule tells instalments."""
    terms, kept = contract_terms.of(loan), loan.line
    assert terms.line is not None
    billed = {each.seq: each for each in installments if each.seq != REST}
    for row in rows:
        each = billed[row["number"]]
        row["made_on"] = each.due_on - timedelta(days=terms.line.due_days)
        row["first"] = each.from_on + timedelta(days=1) if row["number"] > 1 else each.from_on
    unpaid = [each for each in billed.values() if each.status not in (Installment.Status.PAID, *Installment.GONE)]
    owed = [each.owed + repayments.penalty_on(loan, each, on) - each.penalty_paid for each in unpaid]
    return {
        "limit": loan.principal,
        "drawn": loan.principal_outstanding,
        "available": loan.undrawn,
        "over": loan.principal_outstanding > loan.principal,
        "frozen_on": kept.frozen_on,
        "next_statement_on": kept.next_statement_on if loan.status == Loan.Status.OPEN else None,
        "minimum_due": sum(owed, ZERO),
        "due_on": max((each.due_on for each in unpaid), default=None),
        "unbilled": lines.unbilled(loan, kept, on),
        "a_day": lines.a_day(loan),
        "statements": rows[::-1],
        "terms": terms.line,
        "share": terms.line.minimum_share,
        "tone": "warn" if bucket(loan.dpd) else "",
        "said": _("%(drawn)s of %(limit)s") % {"drawn": spoken(loan.principal_outstanding), "limit": spoken(loan.principal)},
    }


def balance(loan: Loan, on: date) -> dict[str, Any]:
    """Return the curve of what was drawn, for the chart card."""
    changes: dict[date, Decimal] = defaultdict(lambda: ZERO)
    moved = Posting.objects.filter(transaction__loan=loan, account=Posting.Account.PRINCIPAL).values_list("transaction__value_on")
    for day, amount in moved.annotate(sum=Sum("amount")):
        changes[day] += amount
    days = sorted({loan.starts_on, *changes, on})
    drawn, went = ZERO, []
    for day in days:
        drawn += changes[day]
        went.append(float(drawn))  # pixels
    values = {"left": spoken(loan.principal_outstanding), "principal": spoken(loan.principal)}
    return {
        "v": 1,
        "kind": "line",
        "title": _("%(left)s of the limit of %(principal)s is drawn") % values,
        "caption": _("drawn at the end of each day on which it changed, and the limit"),
        "as_of": on.isoformat(),
        "complete": True,
        "note": "",
        "x": {"label": _("Day"), "type": "category", "values": [day.isoformat() for day in days]},
        "y": {"label": _("Principal"), "unit": "money"},
        "series": [
            {"key": "went", "name": _("Drawn"), "role": "main", "values": went},
            {"key": "agreed", "name": _("Limit"), "role": "compare", "values": [float(loan.principal)] * len(days)},  # pixels
        ],
        "marks": [],
        "events": [],
        "table": "",
    }
