"""Products, read only: terms, rates, fees, and the rules of law and policy that bind them."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.http import HttpResponse
from django.utils.timezone import now
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from credit import caps, cost, expiry, exposure, offers, product_terms, quotes
from credit.books import local_day
from credit.factory_forms import METHODS
from credit.models import Product
from credit.permissions import MANAGE_PRODUCT, VIEW_PRODUCT
from credit.views import Asked
from credit.words import PARTS, word
from crm.lib import htmx, pages
from crm.lib.permissions import needs
from customers.models import Document
from governance.models import Rule
from governance.rules import AMOUNT, EXACT, RATE

FEE_WORDS = dict(METHODS)
BINDING = (exposure.CAP, offers.READING_SECONDS, expiry.DRAFT_DAYS)
SAMPLE_AMOUNT, SAMPLE_TERM = Decimal("10000.00"), 12
VERIFIED_TONES = {"verified": "good", "secondary": "caution", "unverified": "warn", "policy": "neutral"}


@needs(VIEW_PRODUCT)
@require_GET
def product_list(request: Asked) -> HttpResponse:
    """List the products of the lender, the versions on sale first."""
    rows = Product.objects.visible_to(request.user)
    page = pages.read(request, rows, sorts={"code": "code", "live": "live"}, default_sort="-live")
    for product in page.rows:
        rates = [Decimal(rate) for rate in product.rates_by_grade.values()]
        product.least_rate, product.most_rate = (min(rates), max(rates)) if rates else (None, None)
    return htmx.render(
        request, "credit/products.html", "credit/_products_rows.html", {"page": page, "may_write": request.user.has_perm(MANAGE_PRODUCT)}
    )


@needs(VIEW_PRODUCT)
@require_GET
def product_page(request: Asked, public_id: str) -> HttpResponse:
    """Show one version of a product with a sample quote per grade and the rules it has to keep."""
    product = Product.objects.select_related("legal_entity").get_for(request.user, public_id)
    on = local_day(product.legal_entity, now())
    amount = min(product.amount_max, max(product.amount_min, SAMPLE_AMOUNT))
    term = product_terms.nearest(product.terms, SAMPLE_TERM, product.term_min, product.term_max)
    unbookable = product_terms.unsupported(product.method, product.day_count, product.terms)
    held = [cap for cap in caps.holding(on) if cap.holds_for(product.code, "")]
    for cap in held:
        cap.tone = VERIFIED_TONES.get(cap.verification, "neutral")  # type: ignore[attr-defined]
    terms = product_terms.whole(product.terms)
    context = {
        "product": product,
        "sample_amount": amount,
        "sample_term": term,
        "quotes": [] if unbookable else quotes.by_grade(product, amount=amount, term=term, on=on),
        "unbookable": unbookable,
        "fees": fees(product),
        "order": [PARTS[part] for part in product.allocation_order],
        "caps": held,
        "may_write": request.user.has_perm(MANAGE_PRODUCT),
        "further": [
            (product_terms.TERMS[name].label, product_terms.said(name, value))
            for name, value in terms.items()
            if product_terms.is_of(product.method, name)
        ],
        "over_payment": (product_terms.TERMS["over_payment"].label, product_terms.said("over_payment", terms["over_payment"])),
        "rules": rules_of(on),
        "papers": papers_of(product),
        "versions": Product.objects.visible_to(request.user).filter(code=product.code).order_by("-version")[:20],
    }
    return htmx.render(request, "credit/product.html", "credit/product.html", context)


def fees(product: Product) -> list[dict[str, Any]]:
    """Return the charges of normal performance in the reader's language."""
    entity = product.legal_entity
    lender = {cost.EN: entity.name_en, cost.ZH: entity.name_zh}
    language = get_language() or "en"
    return [
        {
            "name": cost.speak(fee.name, language),
            "when": FEE_WORDS.get(fee.method, fee.method),
            "amount": fee.amount or None,
            "rate": fee.rate or None,
            "payee": cost.speak(fee.payee, language),
        }
        for fee in cost.read_fees(product.fees, lender)
    ]


def papers_of(product: Product) -> list[dict[str, Any]]:
    """Return which papers an application needs, from which amount, for which purposes."""
    labels = dict(Document.Kind.choices)
    return [
        {
            "label": labels.get(item["kind"], item["kind"]),
            "above": Decimal(str(item["above"])) if "above" in item else None,
            "purposes": [word("purpose", purpose) for purpose in item.get("purposes", [])],
        }
        for item in product.papers
    ]


def rules_of(on: date) -> list[dict[str, Any]]:
    """Return the rules that bind credit on a day: value, citation, and whether anybody has read the text."""
    holding = Q(effective_from__lte=on) & (Q(effective_to__isnull=True) | Q(effective_to__gt=on))
    found = {rule.code: rule for rule in Rule.objects.filter(holding, code__in=BINDING)}
    return [
        {"rule": found[code], "value": said(found[code]), "tone": VERIFIED_TONES.get(found[code].verification, "neutral")}
        for code in BINDING
        if code in found
    ]


def said(rule: Rule) -> str:
    """Return a rule's value as people read it."""
    if rule.unit == RATE:
        return _("%(percent)s%% a year") % {"percent": f"{Decimal(rule.value) * 100:.2f}"}
    if rule.unit == AMOUNT:
        return f"{Decimal(rule.value):,.2f}"
    if rule.unit in EXACT:
        return f"{Decimal(rule.value) * 100:.1f}%"
    units = {"days": _("%(n)s days"), "seconds": _("%(n)s seconds")}
    return units[rule.unit] % {"n": rule.value} if rule.unit in units else str(rule.value)
