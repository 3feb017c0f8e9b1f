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
OPENED = 120  # days before the last day of the play
LIMIT, TERM = D("10000.00"), 24
WRITTEN: dict[str, Any] = {
    "method": "revolving", "day_count": "actual/360", "amount_min": D("2000.00"), "amount_max": D("50000.00"), "term_min": 12, "term_max": 36,
    "terms": {"statement_day": 10, "statement_due_days": 20, "minimum_share": "0.10", "minimum_amount": "100.00", "freeze_days": 5},
}  # fmt: skip


@dataclass(frozen=True)
class Habit:
    """What a customer does with a line: draws by days since it was opened, how much of a statement is paid and how many of them."""

    draws: dict[int, str] = field(default_factory=dict)
    more: str = "0.00"
    pays: int = 99


HABITS = (
    Habit(),
    Habit({6: "3000.00", 48: "1500.00", 90: "800.00"}, more="900.00"),
    Habit({3: "5000.00", 60: "1200.00"}),
    Habit({10: "4000.00"}, pays=1),
)


def day(house: "House", today: date) -> None:
    """Open the lines on their day; afterwards let their customers draw and pay."""
    since = OPENED - (house.today - today).days
    if since == 0:
        _open(house, today)
    if since <= 0:
        return
    for place, loan in enumerate(
        Loan.objects.open().filter(revolving=True, legal_entity=house.entity).select_related("line").order_by("pk")
    ):
        habit = HABITS[place % len(HABITS)]
        if (amount := habit.draws.get(since)) and not line_acts.is_frozen(loan) and not loan.dpd:
            acts.do(
                loan, ACTS[Kind.DRAW], {"amount": D(amount)}, on=None, why="agreed", actor=house.staff["operations"], at=house.at(today, 13),
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


def _open(house: "House", today: date) -> None:
    """Put the product on sale and open a line for some who were lent to before."""
    at = house.at(today, 10)
    if not {"risk", "compliance", "underwriter"} <= house.staff.keys():
        return
    sold: Product = products.on_sale(house.entity, "LINE-24", "Revolving line", "循环额度", WRITTEN, staff=house.staff, at=at)
    known = list(
        Application.objects.filter(status=Application.Status.BOOKED, decision__score__isnull=False)
        .exclude(loan__dpd__gt=0)
        .select_related("customer__owner")
        .order_by("-decision__score", "pk")[:20]
    )
    for _habit in HABITS:
        products.lent(sold, known, amount=LIMIT, term=TERM, staff=house.staff, at=at)


def last_day(house: "House") -> None:
    """Leave a higher limit waiting for its second person."""
    drawn = Loan.objects.open().filter(revolving=True, dpd=0, legal_entity=house.entity, principal_outstanding__gt=0).order_by("pk").first()
    if drawn is None:
        return
    at = house.at(house.today, 15)
    try:
        acts.do(drawn, ACTS[Kind.LIMIT], {"amount": drawn.principal + D("5000.00")}, on=None, why="agreed", note="Three statements paid in full.",
                actor=house.staff["operations"], at=at, key="demo-limit")  # fmt: skip
    except DomainError:
        return  # the person's room is taken
