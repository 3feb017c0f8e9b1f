"""Published and worked figures, each with its source, computed anew on the product's own functions whenever they are asked for.

One list for the test that holds them and for the self-test page that shows them. Nothing is stored between two readings.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from django.utils.translation import gettext_lazy as _

from credit import accrual, apr, cost, rates
from credit.events import Disburse, Event, PayOff, Repay
from credit.machine import play
from credit.schedule import Row, equal_installment
from credit.state import Split
from credit.terms import Fee, Terms

APPENDIX_J = "12 CFR 1026 (Regulation Z) Appendix J (c)"
EU_ANNEX = "COM(1996)79 annex III"
NUMPY = "numpy.org/numpy-financial (irr)"
WORKED = "worked example, computed two ways"
FINERACT = "apache/fineract Loan.feature, progressive schedule, 100.00 at 7 % over 6 months"

D = Decimal


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: where it stands, what it says, how the product gets it. `expected` and what `compute` gives are compared as text."""

    group: Any
    name: Any
    source: str
    expected: str
    compute: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Result:
    figure: Figure
    computed: str

    @property
    def passed(self) -> bool:
        return self.computed == self.figure.expected


def run() -> list[Result]:
    """Return every figure, computed now."""
    return [Result(figure, figure.compute()) for figure in figures()]


def figures() -> Iterator[Figure]:
    """Yield the figures in the order of the page."""
    yield from _appendix_j()
    yield from _eu()
    yield from _irr()
    yield from _schedules()
    yield from _after()


def _percent(rate: Decimal, places: str = "0.01") -> str:
    return str((rate * 100).quantize(D(places)))


def _many(*counted: tuple[int, str]) -> list[Decimal]:
    return [D(amount) for count, amount in counted for _n in range(count)]


def _appendix_j() -> Iterator[Figure]:
    group = _("Annual percentage rate, United States")
    cases: list[tuple[str, str, str, date, date, list[Decimal], apr.Unit]] = [
        ("(1)(i)", "9.69", "5000", date(1978, 1, 10), date(1978, 2, 10), _many((24, "230")), apr.MONTH),
        ("(1)(ii)", "11.82", "6000", date(1978, 2, 10), date(1978, 4, 1), _many((36, "200")), apr.MONTH),
        ("(1)(iii)", "10.34", "5000", date(1978, 2, 23), date(1978, 3, 1), _many((24, "219.17")), apr.SEMIMONTH),
        ("(1)(iv)", "8.97", "10000", date(1978, 5, 23), date(1978, 10, 1), _many((40, "385")), apr.QUARTER),
        ("(1)(v)", "14.96", "500", date(1978, 3, 20), date(1978, 4, 21), _many((30, "17.60")), apr.WEEK),
        ("(2)(i)", "10.08", "5000", date(1978, 1, 10), date(1978, 2, 10), _many((1, "250"), (23, "230")), apr.MONTH),
        ("(2)(ii)", "28.50", "400", date(1978, 3, 18), date(1978, 4, 20), _many((1, "39.50"), (11, "38.31")), apr.weeks(4)),
        ("(3)(i)", "10.50", "5000", date(1978, 1, 10), date(1978, 2, 10), _many((23, "230"), (1, "280")), apr.MONTH),
        ("(3)(ii)", "12.22", "200", date(1978, 4, 3), date(1978, 4, 11), _many((19, "9.50"), (1, "30")), apr.weeks(2)),
        ("(4)(i)", "10.90", "5000", date(1978, 1, 10), date(1978, 2, 10), _many((1, "250"), (22, "230"), (1, "280")), apr.MONTH),
        ("(4)(ii)", "7.30", "8000", date(1978, 1, 10), date(1978, 3, 1), _many((1, "449.36"), (18, "465"), (1, "200")), apr.months(2)),
    ]
    for name, expected, advance, on, first, payments, unit in cases:

        def compute(
            advance: str = advance, on: date = on, first: date = first, payments: list[Decimal] = payments, unit: apr.Unit = unit
        ) -> str:
            return _percent(apr.us_apr(D(advance), on, first, payments, unit))

        yield Figure(group, name, APPENDIX_J, expected, compute)
    yield Figure(
        group, "(5)(i)", APPENDIX_J, "11.45",
        lambda: _percent(apr.single_payment_apr(apr.Flow(date(1978, 1, 3), D(1000)), apr.Flow(date(1978, 9, 15), D(1080)))),
    )  # fmt: skip


def _eu() -> Iterator[Figure]:
    group = _("Annual percentage rate, European Union")
    cases = [
        (_("1,000 / 1,200 after 546 days"), EU_ANNEX, "12.96", "0.01", (date(1994, 1, 1), "1000"), [(date(1995, 7, 1), "1200")]),
        ("1,000 / 600 + 600", EU_ANNEX, "13.07", "0.01", (date(1994, 1, 1), "1000"), [(date(1995, 1, 1), "600"), (date(1996, 1, 1), "600")]),
        (_("500 / 510 after 5 days"), "FSharp.Finance.Personal, AprUnitedKingdomTests", "324.436", "0.001", (date(2012, 10, 10), "500"),
         [(date(2012, 10, 15), "510")]),
    ]  # fmt: skip
    for name, source, expected, places, out, back in cases:

        def compute(places: str = places, out: tuple[date, str] = out, back: list[tuple[date, str]] = back) -> str:
            rate = apr.eu_apr([apr.Flow(out[0], D(out[1]))], [apr.Flow(on, D(amount)) for on, amount in back])
            return _percent(rate, places)

        yield Figure(group, name, source, expected, compute)


def _irr() -> Iterator[Figure]:
    group = _("Internal rate of return")
    for flows, expected in (
        (("-100", "39", "59", "55", "20"), "28.094842115996"),
        (("-250000", "100000", "150000", "200000", "250000", "300000"), "56.723033443585"),
    ):
        yield Figure(
            group, " / ".join(flows), NUMPY, expected,
            partial(_irr_of, flows),
        )  # fmt: skip
    for name, flows_of, expected in (
        (_("Equal instalment"), ["-12000", *["1100.16"] * 11, "1100.19"], "18.0004 / 19.5623"),
        (_("Equal principal"), ["-12000", *[str(1180 - 15 * n) for n in range(12)]], "18.0000 / 19.5618"),
        (_("Interest only, then all"), ["-12000", *["180"] * 11, "12180"], "18.0000 / 19.5618"),
        (_("Flat fee"), ["-12000", *["1180"] * 12], "31.7164 / 36.7583"),
        (_("Equal instalment with 3 % withheld"), ["-11640", *["1100.16"] * 11, "1100.19"], "23.9092 / 26.7113"),
    ):
        yield Figure(_("12,000 at 1.5 % a month over 12 months"), name, WORKED, expected, partial(_both, flows_of))


def _irr_of(flows: Sequence[str]) -> str:
    return _percent(rates.irr([D(flow) for flow in flows]), "0.000000000001")


def _both(flows: list[str]) -> str:
    found = rates.annualised([D(flow) for flow in flows])
    return f"{_percent(found.nominal, '0.0001')} / {_percent(found.effective, '0.0001')}"


def _row(row: Row) -> str:
    return f"{row.principal} + {row.interest} = {row.payment}, {row.balance}"


def _row_of(schedule: Callable[[], list[Row]], n: int) -> str:
    return _row(schedule()[n])


def _one(amount: str, rate: str, periods: int, place: int) -> str:
    values = {"amount": amount, "rate": rate, "periods": periods, "n": place}
    return str(_("%(amount)s at %(rate)s over %(periods)s months: instalment %(n)s") % values)


def _schedules() -> Iterator[Figure]:
    def cn() -> list[Row]:
        return equal_installment(Terms(D("12000.00"), D("0.18"), 12, date(2025, 1, 1)))

    group = _("Schedules to the cent")
    yield Figure(group, _one("12,000", "18 %", 12, 1), WORKED, "920.16 + 180.00 = 1100.16, 11079.84", lambda: _row(cn()[0]))
    yield Figure(group, _one("12,000", "18 %", 12, 12), WORKED, "1083.93 + 16.26 = 1100.19, 0.00", lambda: _row(cn()[-1]))
    yield Figure(group, _("total interest"), WORKED, "1201.95", lambda: str(sum((row.interest for row in cn()), D("0.00"))))

    def progressive() -> list[Row]:
        return equal_installment(Terms(D("100.00"), D("0.07"), 6, date(2024, 1, 1)))

    for n, expected in enumerate(
        (
            "16.43 + 0.58 = 17.01, 83.57", "16.52 + 0.49 = 17.01, 67.05", "16.62 + 0.39 = 17.01, 50.43",
            "16.72 + 0.29 = 17.01, 33.71", "16.81 + 0.20 = 17.01, 16.90", "16.90 + 0.10 = 17.00, 0.00",
        )
    ):  # fmt: skip
        yield Figure(group, _one("100", "7 %", 6, n + 1), FINERACT, expected, partial(_row_of, progressive, n))
    for day_count, expected in (("30/360", "24.00%"), ("actual/360", "24.23%")):

        def compute(day_count: Any = day_count) -> str:
            rows = equal_installment(Terms(D("10000.00"), D("0.24"), 12, date(2025, 1, 1), day_count))
            return cost.percent(rates.annualised([D(-10000), *(row.payment for row in rows)]).nominal)

        yield Figure(group, _("10,000 at 24 %% over 12 months, %(day_count)s") % {"day_count": day_count}, WORKED, expected, compute)


def _after() -> Iterator[Figure]:
    group = _("Early settlement and default")

    def ending(early_fee: str = "0") -> Split:
        """Return what ends the loan of 12,000 at 18 % over 12 months, three instalments paid, 15 days later."""
        fees = (Fee("early", "prepayment", rate=D(early_fee)),) if D(early_fee) else ()
        terms = Terms(D("12000.00"), D("0.18"), 12, date(2025, 1, 1), fees=fees)
        moves: list[Event] = [Disburse(key="out", on=date(2025, 1, 1), amount=D("12000.00"))]
        moves += [Repay(key=f"in{month}", on=date(2025, month, 1), amount=D("1100.16")) for month in (2, 3, 4)]
        return play(terms, [*moves, PayOff(key="end", on=date(2025, 4, 16))], date(2025, 4, 16)).splits["end"]

    def interest() -> D:
        return sum((line.amount for line in ending().lines if line.part == "interest"), D("0.00"))

    late = accrual.Late(date(2025, 1, 1), D("966.40"), D("966.40"), D("0.00"), date(2025, 1, 1))
    yield Figure(group, _("interest of 15 days after the third instalment"), WORKED, "68.98", lambda: str(interest()))
    yield Figure(group, _("payoff without a fee"), WORKED, "9266.89", lambda: str(ending().amount))
    # 1 % of what is paid before it is due: the principal outstanding, 9,197.91
    yield Figure(group, _("payoff with a fee of 1 %"), WORKED, "9358.87", lambda: str(ending("0.01").amount))
    yield Figure(
        group, _("penalty on 966.40 over 40 days at 1.5 × 18 %"), WORKED, "28.99",
        lambda: str(accrual.penalty(late, annual_rate=D("0.18") * D("1.5"), as_of=date(2025, 2, 10))),
    )  # fmt: skip
