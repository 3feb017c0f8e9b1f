"""Products of the demonstration beside the instalment loan, each with a rhythm of its own and a loan: written, reviewed and released by doors."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from credit import applications, offers, product_factory
from credit.models import Application, Offer, Product
from credit.product_written import written
from crm.lib.errors import DomainError
from governance import changes
from governance.models import LegalEntity, User
from ledger import deliveries as outbox

D = Decimal
TRIES = 25
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
)  # fmt: skip


def fill(entity: LegalEntity, *, today: date, at: datetime) -> int:
    """Put each product on sale and lend once of it; return how many loans were booked."""
    staff = {user.username: user for user in User.objects.filter(team__legal_entity=entity).select_related("role", "team")}
    if not {"risk", "compliance", "underwriter"} <= staff.keys() or Product.objects.filter(legal_entity=entity, code="PL-WEEK").exists():
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
        product = on_sale(entity, code, en, zh, changed, staff=staff, at=at)
        booked += lent(product, known, amount=D(amount), term=term, staff=staff, at=at)
    return booked


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
            outbox.run_all(at=at)
            application.refresh_from_db()
            if application.status == Application.Status.REFERRED:
                granted = min(amount, applications.limit_of(application))
                applications.approve(application, amount=granted, actor=staff["underwriter"], at=at)
                outbox.run_all(at=at)
            offer = (
                Offer.objects.select_related("application__legal_entity").filter(application=application, status=Offer.Status.MADE).first()
            )
            if offer is None:
                continue
            offer = offers.confirm_disclosure(offer, cost_hash=offer.cost_hash, seconds=45, actor=officer, at=at)
            offers.accept(offer, actor=officer, at=at, key=f"demo-{offer.public_id}")
            outbox.run_all(at=at)
        except DomainError:
            continue  # the person's room is taken, or the limit too low: the next one
        return 1
    return 0
