"""What the engine is told of an application: stated, verified, the person, the product, the lines, the caps, the checks. No identifiers."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from credit import average_balance, cap_rules, caps, consistency, costing, exposure, product_terms
from credit.books import local_day
from credit.models import Application, Product, RateCap
from customers.profiles import facts_for_decision, given_for_lists
from risk import bureau_facts, consortium_port, lists

EQUAL = Product.Method.EQUAL_INSTALLMENT
# Terms that shape a schedule, as they stand in a product of plain monthly instalments.
PLAIN = {
    name: product_terms.TERMS[name].default for name in product_terms.OF_SCHEDULES if name not in ("over_payment", "tranches", "late_fee")
}
ZERO = Decimal(0)


class Known(NamedTuple):
    """What the engine is told, from where each fact comes and as of when, and the two caps that were read on the way."""

    facts: dict[str, Any]
    sources: dict[str, dict[str, str]]
    rate_caps: Sequence[RateCap]
    exposure_cap: Decimal


def of(application: Application, *, at: datetime) -> Known:
    """Return the facts for the engine as of `at`; what was verified stands in the place of what was stated."""
    product, on = application.product, local_day(application.legal_entity, at)
    held, most = caps.holding(on), exposure.cap(on)
    standing = exposure.standing(application.customer_id, leaving=application)
    checked = consistency.found(application, on=on, at=at)
    limits = {"rate_cap": caps.ceiling(held, product.code, application.channel), "exposure_cap": most}
    asked = {"amount": application.amount, "term": application.term, "purpose": application.purpose}
    person = facts_for_decision(application.customer, on=on, at=at)
    terms = {
        "product_min": product.amount_min,
        "product_max": product.amount_max,
        "term_min": product.term_min,
        "term_max": product.term_max,
        **{f"rate_{grade.lower()}": Decimal(rate) for grade, rate in product.rates_by_grade.items()},
        **shape(product, application),
    }
    lines = {"exposure": standing.lines, "current_dpd": standing.dpd}
    checks = {name: getattr(checked, name) for name in ("shared_mobile", "shared_card", "applications_30d")}
    if checked.device:
        checks |= {
            "shared_device": min(checked.device["persons"], consistency.MOST),
            "device_applications_30d": checked.device["applications"],
        }
        checks["device_zone_differs"] = checked.device["differs"]
    checks["income_state"] = "verified" if "income" in checked.verified else "stated"
    today, entered = on.isoformat(), local_day(application.legal_entity, application.submitted_at or at).isoformat()
    reported, report = bureau_facts.read(application.customer_id, reason=bureau_facts.APPROVAL, at=at)
    origins = {
        ("application", entered): {**application.stated, **asked},
        ("customer", today): person,
        (f"product {product.code} v{product.version}", today): terms,
        ("rules", today): limits,
        ("loans", today): lines,
        ("checks", today): checks,
        ("bureau", today if report is None else local_day(application.legal_entity, report.as_of).isoformat()): reported,
        ("consortium", today): consortium_port.facts(application.customer_id, at=at),
        ("lists", today): lists.facts(given_for_lists(application.customer, at=at), on=on, device_key=checked.device.get("key", "")),
    }
    facts: dict[str, Any] = {}
    sources: dict[str, dict[str, str]] = {}
    for (source, as_of), some in origins.items():
        facts |= some
        sources |= {name: {"source": source, "as_of": as_of} for name in some}
    for name, one in checked.verified.items():
        facts[name] = one["value"]
        sources[name] = {"source": "verified", "as_of": one["as_of"]}
    return Known(facts, sources, held, most)


def shape(product: Product, application: Application) -> dict[str, Decimal]:
    """Return average balance, monthly payment and further yield of a product that is more than equal monthly instalments; else nothing.

    Balance and payment are read off the product's own schedule at its highest rate, what its own fees and its way of counting add to the
    rate at its lowest: each on the cautious side.
    """
    if (
        product.method == EQUAL
        and not product.fees
        and all(product.terms.get(name, of_plain) == of_plain for name, of_plain in PLAIN.items())
    ):
        return {}
    rates = sorted(map(Decimal, product.rates_by_grade.values()))
    asked: dict[str, Any] = {"amount": application.amount, "term": application.term, "caps": ()}
    on = local_day(application.legal_entity, application.created_at)
    try:
        dear = costing.work_out(product, annual_rate=rates[-1], on=on, **asked)
        cheap = costing.work_out(product, annual_rate=rates[0], on=on, **asked)
    except costing.ImpossibleSchedule:
        return {}  # the offer says so, by its own reason
    own = tuple(fee for fee in cheap.contract.fees if fee.payee == cheap.contract.lender)
    costs = cap_rules.Costs(application.amount, cheap.rows, own, timing=cheap.costs.timing)
    found = {"extra_yield": max(costs.rates({fee.kind for fee in own}).nominal - rates[0], ZERO).quantize(average_balance.PLACES)}
    if product.method == Product.Method.REVOLVING:  # a line may stand fully drawn as long as its minimum is paid
        least = Decimal(product_terms.whole(product.terms)["minimum_share"])
        return found | {"average_share": Decimal(1), "instalment_share": (least + rates[-1] / 12).quantize(average_balance.PLACES)}
    return found | {
        "average_share": average_balance.share(application.amount, dear.rows),
        "instalment_share": average_balance.monthly(application.amount, dear.rows, application.term),
    }
