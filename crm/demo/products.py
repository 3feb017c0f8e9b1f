"""Products of the demonstration beside the instalment loan, each with a rhythm of its own and a loan: written, reviewed and released by doors.

They are on sale since some weeks before the last day: loans of them were paid on, paid out further, and one fell behind. What nobody could
be lent by then is lent on the last day.
"""

from __future__ import annotations

import contextlib
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.utils.timezone import now

from credit import acts, applications, offers, product_factory
from credit.acts import ACTS
from credit.models import Application, Loan, Offer, Product, Transaction
from credit.product_written import written
from crm.lib.errors import DomainError
from governance import changes
from governance.models import ChangeRequest, LegalEntity, User
from ledger import deliveries as outbox

if TYPE_CHECKING:
    from crm.demo.play import House

D = Decimal
TRIES, ROUNDS = 25, 4
SOLD_SINCE, SECOND_PART = 80, 40  # days before the demonstration's last day
STOPS = {"PL-WEEK": 8}  # the instalment from which nothing comes
AGENCY = {"en": "Huanyin Notification Services (made up)", "zh-hans": "环印通知服务（虚构）"}
NOTICE = {
    "code": "fee_1",
    "name": {"en": "Late notice", "zh-hans": "逾期通知费"},
    "method": "late",
    "rate": "0.003",
    "payee": AGENCY,
    "kind": "third_party",
}
RATES = {"A": "0.108000", "B": "0.126000", "C": "0.144000", "D": "0.162000", "E": "0.180000"}

INSURER = {"en": "Anhe Insurance (made up)", "zh-hans": "安和保险（虚构）"}
COVER = {
    "code": "fee_1", "name": {"en": "Accident insurance", "zh-hans": "意外保险费"}, "method": "per_period", "amount": "2.00", "payee": INSURER,
    "kind": "insurance",
}  # fmt: skip
FLAT_RATES = {"A": "0.084000", "B": "0.090000", "C": "0.096000", "D": "0.102000", "E": "0.108000"}
LOW_RATES = {"A": "0.096000", "B": "0.108000", "C": "0.120000", "D": "0.132000", "E": "0.144000"}

# code, names, what is written over the first draft, the loan: amount and months
PRODUCTS: tuple[tuple[str, str, str, dict[str, Any], str, int], ...] = (
    ("PL-BULLET", "Bridge loan, all at the end", "到期一次还本付息贷款", {"method": "bullet", "day_count": "actual/365", "term_min": 1, "term_max": 6}, "3000.00", 3),
    ("PL-DECADE", "Ten-day instalment loan", "按旬还款分期贷款",
     {"method": "equal_installment", "day_count": "actual/365", "term_min": 1, "term_max": 6, "terms": {"frequency": "day", "every": 10}}, "2000.00", 2),
    ("PL-SEASON", "Quarterly interest, principal at the end", "按季付息到期还本贷款",
     {"method": "interest_only", "day_count": "actual/actual", "term_min": 6, "term_max": 24, "terms": {"every": 3, "due_day": 20, "holiday_shift": "next"}},
     "5000.00", 12),
    ("PL-START", "Loan with a gentle start", "宽限期分期贷款",
     {"method": "equal_principal", "amount_min": D("3000.00"), "term_min": 6, "term_max": 24, "terms": {"grace_principal": 2, "interest_free": 1, "instalment_multiple": "10"}},
     "4000.00", 12),
    ("PL-WEEK", "Weekly instalment loan", "按周还款分期贷款",
     {"method": "equal_installment", "day_count": "actual/365", "term_min": 3, "term_max": 12, "fees": [NOTICE],
      "terms": {"frequency": "week", "holiday_shift": "next"}}, "2400.00", 6),
    ("PL-FLAT", "Fitting-out loan, equal parts and flat fee", "家装分期贷款（等本等息）",
     {"method": "flat_fee", "day_count": "30/360", "term_min": 6, "term_max": 24, "rates_by_grade": FLAT_RATES,
      "terms": {"prepayment": "full_only"}}, "3600.00", 12),
    ("PL-SHOP", "Purchase loan with a down payment", "首付购物分期贷款",
     {"method": "equal_installment", "term_min": 3, "term_max": 24, "rates_by_grade": LOW_RATES, "fees": [COVER],
      "terms": {"down_payment": "0.2", "over_payment": "next"}}, "3000.00", 6),
    ("PL-STAGE", "Renovation loan, paid out in parts", "装修贷款（分次放款）",
     {"method": "equal_installment", "day_count": "actual/365", "term_min": 6, "term_max": 36,
      "terms": {"tranches": 3, "prepayment": "shorten_term", "over_payment": "re_amortise", "cooling_off_days": 7}}, "6000.00", 12),
)  # fmt: skip
CODES = tuple(row[0] for row in PRODUCTS)


def fill(entity: LegalEntity, *, today: date, at: datetime) -> int:
    """Put each product on sale that is not, and lend once of each that nobody has borrowed; return how many loans were booked."""
    staff = {user.username: user for user in User.objects.filter(team__legal_entity=entity).select_related("role", "team")}
    if not {"risk", "compliance", "underwriter"} <= staff.keys():
        return 0
    before = {application.customer_id for application in Application.objects.filter(customer__loans__dpd__gt=0)}
    known = list(
        Application.objects.filter(status=Application.Status.BOOKED, decision__score__isnull=False, submitted_at__date__lt=today)
        .exclude(customer__in=before)
        .select_related("customer__owner")
        .order_by("-decision__score", "pk")[:TRIES]
    )
    booked = 0
    for code, en, zh, changed, amount, term in PRODUCTS:
        product = Product.objects.live().filter(legal_entity=entity, code=code).select_related("legal_entity").first()
        if product is None:
            product = on_sale(entity, code, en, zh, changed, staff=staff, at=at)
        elif Loan.objects.filter(product__code=code).exists():
            continue
        booked += lent(product, known, amount=D(amount), term=term, staff=staff, at=at)
    return booked


def on_the_way(house: House, day: date) -> None:
    """Begin with the products on a day of the play; later another part of a loan goes out. Their borrowers pay, most of them."""
    from crm.demo.play import Plan

    left = (house.today - day).days
    if left == SOLD_SINCE:
        fill(house.entity, today=day, at=house.at(day, 10))
        for loan in Loan.objects.filter(product__code__in=CODES).select_related("product").order_by("pk"):
            house.plans[loan.pk] = Plan(STOPS.get(loan.product.code), False, {}, None)
            for installment in loan.installments.all():
                house.calendar[installment.due_on].append((loan.pk, installment.seq))
    if left == SECOND_PART:
        for loan in Loan.objects.open().filter(product__code="PL-STAGE").select_related("legal_entity", "product"):
            more = {"amount": (loan.undrawn / 2).quantize(D("0.01"))}
            with contextlib.suppress(DomainError):
                made = acts.do(
                    loan, ACTS[Transaction.Kind.DISBURSEMENT], more, on=None, why="agreed", actor=house.staff["operations"],
                    at=house.at(day, 14), key="demo-second-part",
                )  # fmt: skip
                if isinstance(made, ChangeRequest) and not made.alone:
                    changes.confirm(made, actor=house.staff["risk"], at=house.at(day, 15))


def on_sale(
    entity: LegalEntity, code: str, en: str, zh: str, changed: dict[str, Any], *, staff: dict[str, User], at: datetime
) -> Product:  # fmt: skip
    """Write, review and release a product by its doors."""
    made = product_factory.create(entity, code=code, name_en=en, name_zh=zh, actor=staff["risk"], at=at)
    bounds = {"amount_min": D("1000.00"), "amount_max": D("20000.00"), "rates_by_grade": RATES, "grace_days": 3}
    made = product_factory.write(made, written(made) | bounds | changed, actor=staff["risk"], at=at)
    answers = dict.fromkeys(product_factory.REVIEW, True)
    product_factory.review(made, answers=answers, note="", actor=staff["compliance"], at=at)
    change = product_factory.propose(
        made, live=True, sunset_on=None, reason="A rhythm our customers asked for.", actor=staff["risk"], at=at
    )
    changes.confirm(change, actor=staff["compliance"], at=at)
    made.refresh_from_db()
    return made


def _told() -> None:
    """Deliver what was told, and what that tells: each step of an application is told by the one before."""
    for _round in range(ROUNDS):
        outbox.run_all(at=now())


def lent(product: Product, known: list[Application], *, amount: Decimal, term: int, staff: dict[str, User], at: datetime) -> int:
    """Lend once of a product, to the first of those known who is served; return 1 if one was."""
    while known:
        pattern = known.pop(0)
        officer = pattern.customer.owner or staff["officer"]
        try:
            application = applications.create(
                customer=pattern.customer, product=product, amount=amount, term=term, purpose=pattern.purpose, stated=pattern.stated,
                actor=officer, at=at,
            )  # fmt: skip
            applications.submit(application, actor=officer, at=at)
            _told()
            application.refresh_from_db()
            if application.status == Application.Status.REFERRED:
                granted = min(amount, applications.limit_of(application))
                applications.approve(application, amount=granted, actor=staff["underwriter"], at=at)
                _told()
            offer = (
                Offer.objects.select_related("application__legal_entity").filter(application=application, status=Offer.Status.MADE).first()
            )
            if offer is None:
                continue
            offer = offers.confirm_disclosure(offer, cost_hash=offer.cost_hash, seconds=45, actor=officer, at=at)
            first = (offer.amount / 2).quantize(D("0.01")) if product.terms.get("tranches", 1) > 1 else None
            offers.accept(offer, actor=officer, at=at, key=f"demo-{offer.public_id}", first=first)
            _told()
        except DomainError:
            continue  # the person's room is taken, or the limit too low: the next one
        return 1
    return 0
