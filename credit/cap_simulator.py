"""What another cap would refuse: live products × terms × grades, and the offers that stand. Reads, writes nothing."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db.models import Case, Count, DecimalField, F, Max, Min, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Greatest, Round

from credit import cap_rules, costing, product_terms
from credit.cost import EN, ZH, read_fees
from credit.models import Offer, Product, RateCap

TERMS = (3, 6, 9, 12, 18, 24, 36, 48, 60, 72)
AMOUNT = Decimal("10000.00")
WORST = 10
MOST = 300  # different offers that are worked out one by one
RATE = DecimalField(max_digits=12, decimal_places=6)
ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Cell:
    """One product, grade and term under the cap."""

    term: int
    verdict: cap_rules.Verdict


@dataclass(frozen=True, slots=True)
class Line:
    """One grade of a product over the terms it is sold for."""

    product: Product
    grade: str
    cells: list[Cell]

    @property
    def highest(self) -> Decimal:
        return max((cell.verdict.highest for cell in self.cells), default=ZERO)

    @property
    def failing(self) -> int:
        return sum(not cell.verdict.passes for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Standing:
    """The offers that stand and what of them the cap would refuse."""

    number: int
    failing: int
    amount: Decimal
    furthest: Decimal
    worst: list[Any]


def terms_of_sale(product: Product) -> list[int]:
    """Return the terms a product is tried at: the usual ones it serves, its shortest and its longest."""
    usual = {product.term_min, product.term_max, *(term for term in TERMS if product.term_min <= term <= product.term_max)}
    return sorted(term for term in usual if product_terms.serves(product.terms, term))


def lines(cap: RateCap, products: QuerySet[Product], *, held: list[RateCap], on: date) -> list[Line]:
    """Return each live product's grades held against the cap, as a new loan on a day would be; `held` bind the penalty as they do now."""
    found = []
    for product in products.live().select_related("legal_entity").order_by("code", "pk"):  # type: ignore[attr-defined]
        if cap.holds_for(product.code, ""):
            found += [Line(product, grade, cells(cap, product, rate, held=held, on=on)) for grade, rate in grades(product)]
    return found


def grades(product: Product) -> list[tuple[str, Decimal]]:
    return [(grade, Decimal(rate)) for grade, rate in sorted(product.rates_by_grade.items())]


def cells(cap: RateCap, product: Product, rate: Decimal, *, held: list[RateCap], on: date) -> list[Cell]:
    amount = min(max(AMOUNT, product.amount_min), product.amount_max)
    binding = [each for each in held if each.holds_for(product.code, "")]
    found = []
    for term in terms_of_sale(product):
        try:
            worked = costing.work_out(product, amount=amount, term=term, annual_rate=rate, on=on, caps=binding)
        except costing.ImpossibleSchedule:
            continue
        found.append(Cell(term, cap_rules.judge(cap, worked.costs)))
    return found


def standing(cap: RateCap, offers: QuerySet[Offer], *, on: date) -> Standing:
    """Return what the cap would refuse of the offers one may see, and the ten furthest above it; statements do not grow with the offers.

    An offer stores its cost with every charge. Where the cap leaves a kind of charge out, offers of products without charges count
    exactly, and those with charges with all of them: more are shown then, never fewer. Where penalty counts, offers of products that
    charge for being late also count with what they cost if each instalment is paid a period late, as the offer would be refused by.
    """
    rows = offers.filter(status=Offer.Status.MADE, expires_on__gte=on)
    if cap.products:
        rows = rows.filter(application__product__code__in=cap.products)
    if cap.channels:
        rows = rows.filter(application__channel__in=cap.channels)
    counted: Any = F("effective_rate") if cap.basis == RateCap.Basis.EFFECTIVE else F("nominal_rate")
    if "penalty" in cap.counts:
        # the penalty as stored, beside the charges: what the nominal rate is above the contract's
        burden = Case(
            When(nominal_rate__gt=F("annual_rate"), then=F("nominal_rate") - F("annual_rate")), default=Value(0), output_field=RATE
        )
        default: Any = Case(
            When(application__product__fees=[], then=F("penalty_rate")), default=F("penalty_rate") + burden, output_field=RATE
        )
        if cap.basis == RateCap.Basis.EFFECTIVE:
            default = (1 + default / Value(Decimal(12))) ** Value(12) - 1
        late = _paid_late(cap, rows, on=on)
        counted = Greatest(counted, default, *([late] if late is not None else []), output_field=RATE)
    limit = (cap.value * 100).quantize(Decimal("0.01"), ROUND_HALF_UP)
    rows = rows.annotate(counted=Round(counted * 100, precision=2, output_field=DecimalField(max_digits=12, decimal_places=2)))
    over = Q(counted__gt=limit)
    told = rows.aggregate(number=Count("pk"), failing=Count("pk", filter=over), amount=Sum("amount", filter=over), furthest=Max("counted"))
    worst = list(rows.filter(over).for_list().order_by("-counted", "pk")[:WORST])  # type: ignore[attr-defined]
    for offer in worst:
        offer.over = (offer.counted - limit) / 100
        offer.counted = offer.counted / 100
    return Standing(told["number"], told["failing"], told["amount"] or ZERO, (told["furthest"] or ZERO) / 100, worst)


def _paid_late(cap: RateCap, rows: QuerySet[Offer], *, on: date) -> Case | None:
    """Return what offers of products that charge for being late cost on default, None where there is none.

    Each different offer is worked out once; where there are more than `MOST`, those that differ in their amount only are by the smallest,
    on which a fixed charge weighs most: more are shown then, never fewer.
    """
    held = Product.objects.filter(pk__in=rows.values("application__product")).select_related("legal_entity")
    charging = {product.pk: product for product in held if _charges_late(cap, product)}
    of = rows.filter(application__product__in=charging).order_by()
    terms = ("application__product", "term", "annual_rate", "penalty_rate")
    names: tuple[str, ...] = (*terms, "amount")
    kinds = list(of.values_list(*names).distinct()[: MOST + 1]) if charging else []
    if len(kinds) > MOST:
        names, kinds = terms, list(of.values_list(*terms).annotate(least=Min("amount")))
    whens = []
    for product, term, rate, penalty, amount in kinds:
        try:
            worked = costing.work_out(charging[product], amount=amount, term=term, annual_rate=rate, on=on, caps=[])
        except costing.ImpossibleSchedule:
            continue
        cost = replace(worked.costs, penalty_rate=penalty).on_default(cap.basis, cap.counts)
        told = dict(zip(names, (product, term, rate, penalty, amount), strict=False))
        whens.append(When(**told, then=Value(cost)))
    return Case(*whens, default=Value(0), output_field=RATE) if whens else None


def _charges_late(cap: RateCap, product: Product) -> bool:
    lender = {EN: product.legal_entity.name_en, ZH: product.legal_entity.name_zh}
    charges = costing.charged(product, read_fees(product.fees, lender), lender)
    return any(fee.method == "late" and fee.kind in cap.counts for fee in charges)
