"""Revolving lines of the demonstration, lived through day by day with the play: one never drawn, others paid, carried on, let slip."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from credit import acts, line_acts, repayments
from credit.acts import ACTS
from credit.models import Application, Loan, Product, Transaction
from crm.demo import products
from crm.lib.errors import DomainError

if TYPE_CHECKING:
    from crm.demo.play import House

D = Decimal
Kind = Transaction.Kind
OPENED, LAST = 110, 70  # days before the end of the play between which lines are opened
CODE = "LINE-24"
LIMIT, TERM = D("5000.00"), 12
WRITTEN: dict[str, Any] = {
    "method": "revolving", "day_count": "actual/360", "amount_min": D("1000.00"), "amount_max": D("50000.00"), "term_min": 6, "term_max": 36,
    "terms": {"statement_day": 10, "statement_due_days": 20, "minimum_share": "0.10", "minimum_amount": "100.00", "freeze_days": 5},
}  # fmt: skip


@dataclass(frozen=True)
class Habit:
    """What a customer does with a line: draws by days since it was opened, how much of a statement is paid and how many of them."""

    draws: dict[int, str] = field(default_factory=dict)
    more: str = "0.00"
    pays: int = 99


HABITS = (
    Habit({6: "1500.00", 38: "900.00", 60: "600.00"}, more="300.00"),
    Habit({3: "2500.00", 45: "700.00"}),
    Habit({4: "2000.00"}, pays=1),
    Habit(),
)


def day(house: "House", today: date) -> None:
    """Open the lines on the first days of sale; afterwards let their customers draw and pay."""
    left = (house.today - today).days
    if left == OPENED:
        _sell(house, today)
    opened = Loan.objects.filter(revolving=True, legal_entity=house.entity).select_related("line").order_by("pk")
    if LAST <= left <= OPENED and len(opened) < len(HABITS):
        _open(house, today, len(HABITS) - len(opened))
    for place, loan in enumerate(opened):
        habit, since = HABITS[place % len(HABITS)], (today - loan.starts_on).days
        if loan.status != Loan.Status.OPEN:
            continue
        if (amount := habit.draws.get(since)) and not line_acts.is_frozen(loan) and not loan.dpd:
            data = {"amount": min(D(amount), loan.undrawn)}
            acts.do(
                loan, ACTS[Kind.DRAW], data, on=None, why="agreed", actor=house.staff["operations"], at=house.at(today, 13),
                key=f"demo-draw-{since}",
            )  # fmt: skip
        _pay(house, loan, habit, today)


def _pay(house: "House", loan: Loan, habit: Habit, today: date) -> None:
    """Pay the statement that falls due in two days, if this customer still does."""
    row = loan.installments.filter(due_on=today + timedelta(days=2), paid_on=None).first()
    if row is None or row.seq > habit.pays or not row.outstanding:
        return
    repayments.receive(
        loan, amount=row.outstanding + D(habit.more), actor=house.staff["operations"], at=house.at(today, 11), key=f"demo-line-{row.seq}",
        channel="transfer",
    )  # fmt: skip


def _sell(house: "House", today: date) -> None:
    """Put the product on sale."""
    if {"risk", "compliance", "underwriter"} <= house.staff.keys():
        products.on_sale(house.entity, CODE, "Revolving line", "循环额度", WRITTEN, staff=house.staff, at=house.at(today, 10))


def _open(house: "House", today: date, wanted: int) -> None:
    """Open lines for some who were lent to before and were not asked yet."""
    sold = Product.objects.live().filter(legal_entity=house.entity, code=CODE).first()
    if sold is None:
        return
    asked = Application.objects.filter(product=sold).values("customer")
    known = list(
        Application.objects.filter(status=Application.Status.BOOKED, decision__score__isnull=False)
        .exclude(loan__dpd__gt=0)
        .exclude(customer__in=asked)
        .select_related("customer__owner")
        .order_by("-decision__score", "pk")[:6]
    )
    for _n in range(wanted):
        products.lent(sold, known, amount=LIMIT, term=TERM, staff=house.staff, at=house.at(today, 10))


def last_day(house: "House") -> None:
    """Leave a higher limit waiting for its second person."""
    drawn = Loan.objects.open().filter(revolving=True, dpd=0, legal_entity=house.entity, principal_outstanding__gt=0).order_by("pk").first()
    if drawn is None:
        return
    at = house.at(house.today, 15)
    try:
        acts.do(drawn, ACTS[Kind.LIMIT], {"amount": drawn.principal + D("3000.00")}, on=None, why="agreed", note="Three statements paid in full.",
                actor=house.staff["operations"], at=at, key="demo-limit")  # fmt: skip
    except DomainError:
        return  # the person's room is taken
