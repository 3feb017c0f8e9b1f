"""When the payments of a schedule come, counted in unit periods: what an annual rate is solved from. Pure.

A period of a schedule (n months, n weeks, n days) is the unit. A first period that is no whole one counts as whole units and a fraction,
as Regulation Z, Appendix J does; that a holiday moves a due date by some days is left aside, as there (12 CFR 1026.17 (c)(3)).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from credit import apr
from credit.due_dates import DAYS, nominal
from credit.rates import RATE, Rates, annualised
from credit.schedule import Row
from credit.terms import Terms

ZERO = Decimal("0.00")
DAYS_A_YEAR = 365
LONGEST_UNIT = 12  # months: Appendix J (b)(4) knows no unit longer than a year


@dataclass(frozen=True, slots=True)
class Timing:
    """The unit, the days from which the first unit is counted, and for each row how many units after the first payment it is paid.

    `None` stands for a row paid on the day the money goes out (a down payment).
    """

    unit: apr.Unit
    advanced_on: date
    first_on: date
    places: tuple[int | None, ...]

    @property
    def odd(self) -> bool:
        """Tell whether the first period is no whole unit."""
        return apr.first_period(self.advanced_on, self.first_on, self.unit) != (1, Decimal(0))

    def flows(self, principal: Decimal, payments: Sequence[Decimal], at_start: Decimal = ZERO) -> tuple[Decimal, list[Decimal]]:
        """Return the money the borrower really has, and what is paid at each unit from the first payment on.

        :param payments: of each row, fees with it
        :param at_start: what else is paid on the day the money goes out
        """
        told: dict[int, Decimal] = {}
        for place, payment in zip(self.places, payments, strict=True):
            if place is None:
                at_start += payment
            else:
                told[place] = told.get(place, ZERO) + payment
        return principal - at_start, [told.get(n, ZERO) for n in range(max(told) + 1)]

    def rates(self, principal: Decimal, payments: Sequence[Decimal], at_start: Decimal = ZERO) -> Rates:
        """Return the annual rates: the rate of the unit times the units of a year, and compounded.

        :raises NoRate: if nothing is lent, or nothing comes back
        """
        advance, paid = self.flows(principal, payments, at_start)
        if not self.odd:
            return annualised([-advance, *paid], periods_a_year=self.unit.a_year)
        nominal_rate = apr.us_apr(advance, self.advanced_on, self.first_on, paid, self.unit)
        periodic = nominal_rate / self.unit.a_year
        return Rates(periodic.quantize(RATE), nominal_rate.quantize(RATE), ((1 + periodic) ** self.unit.a_year - 1).quantize(RATE))

    def apr(self, principal: Decimal, payments: Sequence[Decimal], due_on: date, at_start: Decimal = ZERO) -> Decimal:
        """Return the rate by Appendix J. One single payment is measured by the whole time between (b)(5)(v), (c)(5)(i).

        :param due_on: the day of the last payment
        """
        advance, paid = self.flows(principal, payments, at_start)
        if any(paid[:-1]) or len(paid) == 1:
            return apr.us_apr(advance, self.advanced_on, self.first_on, paid, self.unit).quantize(RATE)
        if self.unit.kind == "day" and (due_on - self.advanced_on).days < DAYS_A_YEAR:
            return apr.single_payment_apr(apr.Flow(self.advanced_on, advance), apr.Flow(due_on, paid[-1])).quantize(RATE)
        whole = len(paid) * self.unit.length if self.unit.kind == "month" else LONGEST_UNIT
        unit = apr.months(min(whole, LONGEST_UNIT))
        return apr.us_apr(advance, self.advanced_on, due_on, paid[-1:], unit).quantize(RATE)


def of(terms: Terms, rows: Sequence[Row]) -> Timing:
    """Return when the `rows` of a schedule made from `terms` are paid."""
    days = nominal(terms)
    count = 0
    places: list[int | None] = []
    for row in rows:
        if row.kind == "down_payment":
            places.append(None)
        else:
            places.append(count if terms.method != "bullet" else len(days) - 1)
            count += 1
    return Timing(unit_of(terms), terms.starts_on, days[0], tuple(places))


def unit_of(terms: Terms) -> apr.Unit:
    """Return a period of the schedule as a unit: 12 / n, 52 / n or 365 / n of them make a year."""
    if terms.unit == "months":
        return apr.months(terms.every)
    if terms.unit == "weeks":
        return apr.weeks(terms.every)
    return apr.Unit("day", terms.every * DAYS[terms.unit], Decimal(DAYS_A_YEAR) / terms.every, terms.every)
