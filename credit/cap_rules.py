"""Whether a loan keeps a cap on its cost. Pure: terms, schedule and cap in, verdict out; no cap is read here.

Rates compare at two decimals of a per cent: 24.00006 % keeps a cap of 24 %. Charges of third parties count where the cap says so, and
so does what a borrower pays after default: the penalty takes the place of the contract rate, fees go on.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, localcontext
from functools import cached_property
from typing import Any

from credit import apr, cost
from credit.rates import PRECISION, RATE, Rates, annualised
from credit.schedule import Row
from credit.timing import Timing
from crm.lib.money import quantize

ZERO = Decimal(0)


# What of a cap is asked here: `value`, `basis`, `counts`. The stored row has them, and so has a draft of one.
Cap = Any


@dataclass(frozen=True)
class Costs:
    """What one loan costs by each way of counting; each figure is worked out once."""

    principal: Decimal
    rows: Sequence[Row]
    fees: Sequence[cost.Fee] = ()
    penalty_rate: Decimal = ZERO
    timing: Timing | None = None
    _known: dict[frozenset[str], Rates] = field(default_factory=dict, compare=False)

    def rates(self, counts: Collection[str]) -> Rates:
        """Return the annual rates when interest and these kinds of charges count."""
        kinds = frozenset(fee.kind for fee in self.fees if fee.kind in counts)
        if kinds not in self._known:
            counted = [fee for fee in self.fees if fee.kind in kinds]
            parts, at_start = cost.fees_by_row(counted, self.principal, self.rows), cost.up_front(counted, self.principal)
            self._known[kinds] = cost.total_cost(self.principal, self.rows, parts, timing=self.timing, at_start=at_start)
        return self._known[kinds]

    @cached_property
    def odd(self) -> bool:
        """Tell whether the first period is no whole one."""
        if self.timing is not None:
            return self.timing.odd
        return apr.first_period(self.rows[0].from_on, self.rows[0].due_on, apr.MONTH) != (1, ZERO)

    def by(self, basis: str, counts: Collection[str]) -> Decimal:
        """Return the annual rate by the basis of a cap."""
        rates = self.rates(counts)
        if basis == "effective":
            return rates.effective
        if basis == "nominal":
            return rates.nominal
        if self.timing is not None:
            counted = [fee for fee in self.fees if fee.kind in counts]
            paid = [row.payment + fee for row, fee in zip(self.rows, cost.fees_by_row(counted, self.principal, self.rows), strict=True)]
            return self.timing.apr(self.principal, paid, self.rows[-1].due_on, cost.up_front(counted, self.principal))
        if not self.odd:
            return rates.nominal
        parts = cost.fees_by_installment([fee for fee in self.fees if fee.kind in counts], self.principal, len(self.rows))
        payments = [row.payment + fee for row, fee in zip(self.rows, parts, strict=True)]
        return apr.us_apr(self.principal, self.rows[0].from_on, self.rows[0].due_on, payments).quantize(RATE)

    def burden(self, counts: Collection[str]) -> Decimal:
        """Return what the charges that count add to the interest, nominal."""
        return max(self.rates(counts).nominal - self.rates(()).nominal, ZERO)

    def on_default(self, basis: str, counts: Collection[str]) -> Decimal:
        """Return what is paid a year after default: the penalty rate and the charges on what is overdue; with a charge for being late, the
        cost of the whole loan if each instalment is paid a period late, where that is more.
        """
        overdue = by_basis(self.penalty_rate + self.burden(counts), basis)
        late = [fee for fee in self.fees if fee.method == "late" and fee.kind in counts]
        return max(overdue, self.paid_late(late, basis, counts)) if late else overdue

    def paid_late(self, late: Sequence[cost.Fee], basis: str, counts: Collection[str]) -> Decimal:
        """Return the annual cost if each instalment is paid one period after it was due, with its penalty and its late charges."""
        counted = [fee for fee in self.fees if fee.kind in counts]
        parts = cost.fees_by_row(counted, self.principal, self.rows)
        flows = []
        for row, fee in zip(self.rows, parts, strict=True):
            if not row.payment and not fee:
                flows.append(fee)
                continue
            penalty = quantize(row.principal * self.penalty_rate * row.days / 360)
            flows.append(row.payment + fee + penalty + sum((each.amount + quantize(row.principal * each.rate) for each in late), ZERO))
        at_start = cost.up_front(counted, self.principal)
        if self.timing is None:
            rates = annualised([at_start - self.principal, ZERO, *flows])
        else:
            shifted = tuple(0 if place is None else place + 1 for place in self.timing.places)
            rates = replace(self.timing, places=shifted).rates(self.principal, flows, at_start)
        return rates.effective if basis == "effective" else rates.nominal


@dataclass(frozen=True)
class Verdict:
    """What a cap says of a loan: the rate that it counts and, where penalty counts, the rate after default."""

    cap: Cap
    counted: Decimal
    on_default: Decimal | None
    nominal: Decimal
    effective: Decimal

    @property
    def passes(self) -> bool:
        return not self.over

    @property
    def over(self) -> Decimal:
        """By how much, as a fraction with four decimals, the higher of the two rates is above the cap; 0 when it is kept."""
        return max(two(self.highest) - two(self.cap.value), Decimal("0.0000"))

    @property
    def highest(self) -> Decimal:
        return max(self.counted, self.on_default or ZERO)

    @property
    def in_default(self) -> bool:
        """Tell whether it is only what is paid after default that breaks the cap."""
        return two(self.counted) <= two(self.cap.value) < two(self.on_default or ZERO)

    def keeps(self, basis: str) -> bool:
        """Tell whether the loan would keep the cap's value by another basis: one loan, two verdicts."""
        return two(self.effective if basis == "effective" else self.nominal) <= two(self.cap.value)


def judge(cap: Cap, costs: Costs) -> Verdict:
    """Hold one loan against one cap."""
    rates = costs.rates(cap.counts)
    default = costs.on_default(cap.basis, cap.counts) if "penalty" in cap.counts else None
    return Verdict(cap, costs.by(cap.basis, cap.counts), default, rates.nominal, rates.effective)


def penalty_within(caps: Iterable[Cap], costs: Costs, wanted: Decimal) -> Decimal:
    """Return the penalty rate that is wanted, or the highest that the caps counting penalty leave beside the charges."""
    for cap in caps:
        if "penalty" in cap.counts:
            wanted = min(wanted, max(nominal_of(cap) - costs.burden(cap.counts), ZERO))
    return wanted.quantize(RATE)


def nominal_of(cap: Cap) -> Decimal:
    """Return the cap as a nominal rate."""
    if cap.basis != "effective":
        return cap.value
    with localcontext() as context:
        context.prec = PRECISION
        return (((1 + cap.value) ** (Decimal(1) / 12) - 1) * 12).quantize(RATE)


def by_basis(nominal: Decimal, basis: str) -> Decimal:
    if basis != "effective":
        return nominal
    with localcontext() as context:
        context.prec = PRECISION
        return ((1 + nominal / 12) ** 12 - 1).quantize(RATE)


def two(rate: Decimal) -> Decimal:
    """Return a fraction as caps compare it: whole hundredths of a per cent."""
    return quantize(rate * 100) / 100
