"""What the figures of a portfolio are made of. Pure: counts and sums in, shares out; a share of nothing is None, never 0.

Definitions and their printed figures: vintage, roll rates, first payment default, provision and coverage as practised by Chinese
consumer lenders; the tests hold each against a published case.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from credit.classification import CLASSES, DOUBTFUL, LOSS, NORMAL, SPECIAL_MENTION, SUBSTANDARD
from crm.lib.money import quantize

MONTHS = 12
ZERO = Decimal("0.00")
NON_PERFORMING = (SUBSTANDARD, DOUBTFUL, LOSS)


def share(part: Decimal | int, whole: Decimal | int) -> Decimal | None:
    """Return `part` of `whole` as a fraction, None where there is no whole."""
    return Decimal(part) / Decimal(whole) if whole else None


def flow_rates(before: Mapping[int, Decimal | int], now: Mapping[int, Decimal | int], last: int) -> dict[int, Decimal | None]:
    """Return per bucket from M0 to the one before `last` which share of its balance stood one bucket further a month later.

    Balance in M(x+1) at the end of the month over balance in Mx at the end of the month before. Of counts alike.
    """
    return {bucket: share(now.get(bucket + 1, 0), before.get(bucket, 0)) for bucket in range(last)}


def through(rates: Mapping[int, Decimal | None], until: int) -> Decimal | None:
    """Return the product of the flow rates from M0 up to bucket `until`: what of today's M0 is expected to arrive there."""
    product = Decimal(1)
    for bucket in range(until):
        rate = rates.get(bucket)
        if rate is None:
            return None
        product *= rate
    return product


@dataclass(frozen=True, slots=True)
class ProvisionRates:
    """What is set aside: a share of all loans, and of the balance of each class beside it."""

    general: Decimal
    special_mention: Decimal
    substandard: Decimal
    doubtful: Decimal
    loss: Decimal

    def of(self, risk_class: int) -> Decimal:
        return {
            NORMAL: Decimal(0),
            SPECIAL_MENTION: self.special_mention,
            SUBSTANDARD: self.substandard,
            DOUBTFUL: self.doubtful,
            LOSS: self.loss,
        }[risk_class]


@dataclass(frozen=True, slots=True)
class Quality:
    """How sound a portfolio is at a month's end. Amounts in CNY; ratios are None where nothing is below the line."""

    total: Decimal
    non_performing: Decimal
    provision: Decimal

    @property
    def npl_ratio(self) -> Decimal | None:
        return share(self.non_performing, self.total)

    @property
    def coverage(self) -> Decimal | None:
        return share(self.provision, self.non_performing)

    @property
    def provision_to_loans(self) -> Decimal | None:
        return share(self.provision, self.total)


def quality(balances: Mapping[int, Decimal], rates: ProvisionRates) -> Quality:
    """Return the quality of a portfolio with these balances by class; each provision is rounded once (HALF_UP)."""
    total = sum((balances.get(each, ZERO) for each in CLASSES), ZERO)
    specific = sum((quantize(balances.get(each, ZERO) * rates.of(each)) for each in CLASSES), ZERO)
    return Quality(
        total=total,
        non_performing=sum((balances.get(each, ZERO) for each in NON_PERFORMING), ZERO),
        provision=quantize(total * rates.general) + specific,
    )


@dataclass(frozen=True, slots=True)
class Economics:
    """What a set of loans brought since the money went out, in CNY. `month_ends` is the sum of their month-end balances.

    `funding_rate` per year, None where no rule states one: then nothing is said of cost and margin.
    """

    lent: Decimal
    interest: Decimal
    fees: Decimal
    written_off: Decimal
    recovered: Decimal
    expected_loss: Decimal
    month_ends: Decimal
    funding_rate: Decimal | None

    @property
    def net_loss(self) -> Decimal:
        return self.written_off - self.recovered

    @property
    def income(self) -> Decimal:
        return self.interest + self.fees

    @property
    def yearly_yield(self) -> Decimal | None:
        """Income over the average balance of a year; a month-end's balance stands for a twelfth of one."""
        return share(self.income * MONTHS, self.month_ends)

    @property
    def funding(self) -> Decimal | None:
        return None if self.funding_rate is None else quantize(self.month_ends / MONTHS * self.funding_rate)

    @property
    def margin(self) -> Decimal | None:
        """Income less actual and expected loss and the cost of funds."""
        return None if self.funding is None else self.income - self.net_loss - self.expected_loss - self.funding
