"""What reports of the demonstration are read from: month-ends of the older book, loans paid off early, a cost of funds.

The older book comes with its past: month-ends it stood at before it was taken over, as the lender before would have handed them on.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from credit import classification, close_rules, payoffs, repayments, report_rules, staging
from credit.accrual import bucket
from credit.models import Installment, Loan, LoanSnapshot, Transaction
from governance import rules
from governance.models import LegalEntity, Rule

if TYPE_CHECKING:
    from crm.demo.book import Past
    from crm.demo.play import House

CHUNK = 1_000
EARLY = (0.45, 0.55, 0.65, 0.75, 0.85, 0.9, 0.95)  # of the play: when somebody pays a loan off before its time
PAID_BEFORE = 2  # instalments
ZERO = Decimal("0.00")


def of_book(entity: LegalEntity, made: list[Past], *, on: date) -> None:
    """Write the month-ends at which the loans of an older book stood before `on`, the day they were taken over."""
    rows = []
    ends = month_ends(min((past.loan.starts_on for past in made), default=on), on)
    held = {end: close_rules.holding(end) for end in ends}
    for past in made:
        loan, settled = past.loan, past.loan.settled_at
        until = settled.date() if settled is not None else on
        for end in ends:
            if not loan.starts_on <= end < until:
                continue
            paid = sum((row.principal for row in past.installments if row.paid_on is not None and row.paid_on <= end), ZERO)
            missed = [row for row in past.installments if row.due_on < end and (row.paid_on is None or row.paid_on > end)]
            dpd = (end - missed[0].due_on).days if missed and (end - missed[0].due_on).days > loan.grace_days else 0
            found = held[end]
            risk_class = classification.by_days(dpd, found.classes)
            stage = staging.at_least(dpd=dpd, risk_class=risk_class, floor=classification.NORMAL, rules=found.stages)
            rows.append(
                LoanSnapshot(
                    month=end, loan_id=loan.pk, legal_entity=entity, branch_id=loan.branch_id, channel=loan.channel, product=loan.product.code,
                    grade=loan.grade, vintage=loan.starts_on.replace(day=1),
                    months_on_book=(end.year - loan.starts_on.year) * 12 + end.month - loan.starts_on.month, principal=loan.principal,
                    principal_outstanding=loan.principal - paid, overdue=sum((row.owed for row in missed), ZERO) if dpd else ZERO, dpd=dpd,
                    treatment_dpd=dpd, bucket=bucket(dpd), risk_class=risk_class, stage=stage,
                    ecl=staging.expected_loss(loan.principal - paid, grade=loan.grade, stage=stage, rules=found.stages),
                )
            )  # fmt: skip
    for first in range(0, len(rows), CHUNK):
        LoanSnapshot.objects.bulk_create(rows[first : first + CHUNK])


def month_ends(first: date, until: date) -> list[date]:
    """Return the month-ends from `first` on that lie before `until`."""
    found, day = [], until.replace(day=1) - timedelta(days=1)
    while day >= first:
        found.append(day)
        day = day.replace(day=1) - timedelta(days=1)
    return found[::-1]


def pay_off(house: House, day: date, *, since: date) -> None:
    """Let one borrower pay off early on some days of the play, through the doors."""
    span = (house.today - since).days
    if (day - since).days not in {round(share * span) for share in EARLY}:
        return
    loans = Loan.objects.filter(
        legal_entity=house.entity, status=Loan.Status.OPEN, dpd=0, revolving=False, starts_on__lt=day
    ).select_related("legal_entity")
    for loan in loans.order_by("pk"):
        paid = loan.installments.filter(status=Installment.Status.PAID).count()
        if paid < PAID_BEFORE or loan.term - paid < PAID_BEFORE or loan.installments.filter(due_on=day).exists():
            continue
        at = house.at(day, 15)
        quote = payoffs.issue(loan, settles_on=day, actor=house.staff["operations"], at=at)
        repayments.receive(
            loan, amount=quote.total, actor=house.staff["operations"], at=at, key=f"demo-early-{loan.pk}", channel=Transaction.Channel.TRANSFER
        )  # fmt: skip
        return


def funding() -> None:
    """State what the demonstration's lender pays for its money: a figure of its own, published nowhere."""
    rules.put(
        report_rules.FUNDING, value=Decimal("0.0300"), unit=rules.RATE, meaning_en="Cost of funds of the demonstration's lender (invented)",
        meaning_zh="演示机构的资金成本（虚构数值）", verification=Rule.Verification.UNVERIFIED, effective_from=date(2020, 1, 1),
    )  # fmt: skip
