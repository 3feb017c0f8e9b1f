"""What a schedule is worth to a price: the balance on which a loan earns and loses, and what is paid a month. Pure.

A loss of 5 % of what was disbursed is not 5 % a year. A loan of 12,000 at 18 % in 12 equal instalments stands at 6,677.50 on average, so
that the 600 lost are 8.99 % of it. The strategy computes this share for equal instalments by `equal_instalments`; of products that are
repaid otherwise it is told `share` and `monthly` as facts.
"""

from collections.abc import Sequence
from decimal import Decimal, localcontext

from credit.schedule import PRECISION, Row

PLACES = Decimal("0.000001")


def share(principal: Decimal, rows: Sequence[Row]) -> Decimal:
    """Return the average balance over the periods of a schedule as a share of `principal`, each period weighing by its days.

    Periods of 28 to 31 days count alike, as months: so a schedule has one share whatever the month it starts in.
    """
    with localcontext() as context:
        context.prec = PRECISION
        before, weighed, weights = principal, Decimal(0), Decimal(0)
        for row in rows:
            weight = Decimal(1 if 28 <= row.days <= 31 else row.days) / (1 if 28 <= row.days <= 31 else Decimal("30.4375"))
            weighed += before * weight
            weights += weight
            before = row.balance
        return (weighed / weights / principal).quantize(PLACES)


def equal_instalments(annual_rate: Decimal, term: int) -> Decimal:
    """Return the same share for `term` equal monthly instalments without a schedule: (n·a − 1) / (i·n), where `a` is the annuity on 1."""
    with localcontext() as context:
        context.prec = PRECISION
        rate = annual_rate / 12
        if not rate:
            return (Decimal(term + 1) / (2 * term)).quantize(PLACES)
        annuity = rate / (1 - (1 + rate) ** -term)
        return ((term * annuity - 1) / (rate * term)).quantize(PLACES)


def monthly(principal: Decimal, rows: Sequence[Row], term: int) -> Decimal:
    """Return what is paid a month per 1 lent: the largest instalment before the last, and no less than all of them over the months."""
    paid = sum((row.payment for row in rows), Decimal(0)) / term
    return (max([paid, *(row.payment for row in rows[:-1])]) / principal).quantize(PLACES)
