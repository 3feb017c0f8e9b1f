"""The product factory of the demonstration: a second version whose release waits, a flat-fee draft with its true rate, a lower cap proposed."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from credit import caps, product_factory
from credit.models import Product
from credit.product_written import written
from governance.models import LegalEntity, User

REASON_VERSION = "Lower rates for the good grades, an offer stands a week."
REASON_CAP = "Window guidance as the press reports it; until the text is known we would keep it for all new loans."


def fill(entity: LegalEntity, *, today: date) -> None:
    """Write the versions and propose the cap, once; every step through a door."""
    live = Product.objects.live().filter(legal_entity=entity).order_by("pk").first()
    staff = {user.username: user for user in User.objects.filter(team__legal_entity=entity, username__in=["risk", "compliance"])}
    if live is None or len(staff) < 2 or Product.objects.filter(legal_entity=entity, code=live.code, version__gt=1).exists():
        return
    risk, compliance = staff["risk"], staff["compliance"]
    at = datetime.combine(today, time(9, 30), tzinfo=ZoneInfo(entity.zone))
    second = product_factory.new_version(live, actor=risk, at=at)
    lower = dict(live.rates_by_grade) | {"A": "0.098000", "B": "0.124000"}
    examples = [{"amount": "12000.00", "term": 12, "grade": grade} for grade in "AD"] + [{"amount": "30000.00", "term": 24, "grade": "C"}]
    values = written(second) | {"rates_by_grade": lower, "offer_days": 7, "examples": examples}
    second = product_factory.write(second, values, actor=risk, at=at)
    answers = dict.fromkeys(product_factory.REVIEW, True)
    second = product_factory.review(
        second, answers=answers, note="Read against the cost table and two advertisements.", actor=compliance, at=at
    )
    product_factory.propose(second, live=True, sunset_on=None, reason=REASON_VERSION, actor=risk, at=at)

    flat = product_factory.new_version(live, actor=risk, at=at)
    values = written(flat) | {
        "name_en": "Flat-fee instalment loan", "name_zh": "等本等息分期贷款", "method": "flat_fee",
        "rates_by_grade": {"A": "0.108000", "C": "0.180000"}, "examples": [{"amount": "12000.00", "term": 12, "grade": "C"}],
    }  # fmt: skip
    product_factory.write(flat, values, actor=risk, at=at)

    standing = caps.newest("cost.loan")
    if standing is not None:
        after = caps.content(standing) | {"value": "0.200000", "effective_from": (today + timedelta(days=30)).isoformat()}
        caps.propose("cost.loan", after, reason=REASON_CAP, actor=risk, at=at)
