"""What a loan under a product would be and cost: terms, schedule, fees, cost table and what caps are held against. Reads nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from credit import cap_rules, contract_terms, cost, product_terms, timing
from credit.business_days import closed
from credit.cost import EN, ZH, Words
from credit.models import Product
from credit.rates import NoRate
from credit.refusals import Refused
from credit.schedule import Row, Terms, build
from crm.lib.errors import Invalid

ZERO = Decimal("0.00")
RATE = Decimal("0.000001")
LINE_RHYTHM: Words = {
    EN: "an example: the whole limit drawn at once and repaid in 12 equal monthly parts", ZH: "示例：一次支用全部额度，分12个月等额还本",
}  # fmt: skip


class ImpossibleSchedule(Invalid):
    """No schedule can be made from these terms; `extra["cause"]` is the code of what is wrong."""

    code = "impossible_schedule"


@dataclass(frozen=True)
class Costing:
    """A loan worked out. `fees` are the fee parts of its rows, what is charged on the day of the payout in the first."""

    terms: Terms
    rows: list[Row]
    fees: list[Decimal]
    costs: cap_rules.Costs
    contract: cost.Contract

    @property
    def penalty_rate(self) -> Decimal:
        return self.costs.penalty_rate

    def table(self) -> dict[str, Any]:
        """Return the cost table."""
        return cost.table(self.contract, self.rows)


def work_out(product: Product, *, amount: Decimal, term: int, annual_rate: Decimal, on: date, caps: Sequence[Any]) -> Costing:
    """Return a loan of `amount` over `term` months, money out `on`; `caps` are those that bind its penalty rate.

    The penalty rate is the contract rate times the product's multiplier; where the product says so, never above what the caps leave.

    :raises ImpossibleSchedule: if there can be no schedule
    """
    entity = product.legal_entity
    lender = {EN: entity.name_en, ZH: entity.name_zh}
    try:
        terms = contract_terms.of_product(product, amount=amount, term=term, annual_rate=annual_rate, on=on)
        rows = list(build(terms, closed(terms)))
        check_whole(terms, rows)
        charges = cost.read_fees(product.fees, lender)
        clock = timing.of(terms, rows)
        costs = cap_rules.Costs(amount, rows, charged(product, charges, lender), timing=clock)
        costs.rates(())
    except Refused as error:
        raise impossible(error.code) from None
    except NoRate:
        raise impossible("amount") from None
    wanted = annual_rate * product.penalty_multiplier
    if product.penalty_within_cap:
        wanted = cap_rules.penalty_within(caps, costs, wanted)
    costs = replace(costs, penalty_rate=wanted.quantize(RATE))  # what it costs otherwise is known already
    fees = cost.fees_by_row(charges, amount, rows)
    fees[0] += cost.up_front(charges, amount)
    said = product_terms.whole(product.terms)
    contract = cost.Contract(
        principal=amount,
        annual_rate=annual_rate,
        penalty_rate=costs.penalty_rate,
        day_count=product.day_count,
        grace_days=product.grace_days,
        currency=product.currency,
        lender=lender,
        fees=charges,
        early_fee_rate=product.early_fee_rate,
        late_fee=Decimal(said["late_fee"]),
        method=product.method,
        timing=clock,
        rhythm=rhythm(terms) if product.method != Product.Method.REVOLVING else LINE_RHYTHM,
        line=said if product.method == Product.Method.REVOLVING else None,
        graced=bool(terms.grace_on_principal or terms.grace_on_interest or terms.interest_free),
    )
    return Costing(terms, rows, fees, costs, contract)


def charged(product: Product, fees: Sequence[cost.Fee], lender: Words) -> tuple[cost.Fee, ...]:
    """Return the charges that caps look at: those of the product with its plain late fee, which is the lender's."""
    late = Decimal(product_terms.whole(product.terms)["late_fee"])
    plain = (cost.Fee("late_fee", cost.NAMES["late_fee"], "late", lender, late),) if late else ()
    return (*fees, *plain)


def check_whole(terms: Terms, rows: Sequence[Row]) -> None:
    """Refuse a schedule that ends before its last instalment, or whose instalments do not cover their interest.

    :raises Refused: (multiple) if rounding to the multiple makes it so
    """
    if terms.installment_multiple is None:
        return
    regular = [row for row in rows if row.kind == "installment"]
    repaying = [row for row in regular[terms.grace_on_principal : -1] if terms.method != "flat"]
    if not regular[-1].payment or any(row.principal <= 0 for row in repaying):
        raise Refused("multiple", "rounded to this multiple the instalments repay too much or too little")


def rhythm(terms: Terms) -> Words:
    """Return how often is paid, in both languages."""
    n, every = terms.periods, terms.every
    if terms.method == "bullet":
        return {EN: "in one sum at the end", ZH: "到期一次性归还"}
    unit = {"days": ("day", "天"), "weeks": ("week", "周"), "months": ("month", "个月")}[terms.unit]
    short = {"days": "日", "weeks": "周", "months": "月"}[terms.unit]
    if every == 1:
        return {EN: f"every {unit[0]}, {n} times", ZH: f"每{short}一期，共{n}期"}
    return {EN: f"every {every} {unit[0]}s, {n} times", ZH: f"每{every}{unit[1]}一期，共{n}期"}


def sentence(code: str) -> Any:
    """Return in the user's language why there can be no schedule."""
    words = {
        "amount": _("Nothing would be left of the amount after what is paid at once."),
        "periods": _("A schedule needs between 1 and 1200 periods."),
        "grace": _("There are more periods of grace than periods."),
        "down_payment": _("Less than the whole price."),
        "multiple": _("Rounded to this multiple the instalments would repay the loan too early or not at all."),
        "dates": _("These dates cannot be."),
        "frequency": _("The term cannot be cut into whole periods of the product."),
        "fee": _("A fee has an amount or a share above zero."),
    }
    return words.get(code) or _("No schedule can be made from these terms.")


FIELDS = {
    "grace": "grace_principal", "multiple": "instalment_multiple", "dates": "due_day", "frequency": "every", "down_payment": "down_payment",
    "periods": "term_max", "fee": "fee_1_method", "amount": "amount_min",
}  # fmt: skip


def impossible(code: str) -> ImpossibleSchedule:
    """Return the refusal of a schedule that cannot be."""
    told = sentence(code)
    return ImpossibleSchedule(_("Impossible schedule: %(why)s") % {"why": told}, fields={"term": told}, cause=code)
