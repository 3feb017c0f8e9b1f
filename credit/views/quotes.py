"""An issued quote as it stands, and whether it is still the document whose hash was recorded."""

from datetime import date
from decimal import Decimal

from django.http import HttpResponse
from django.utils.translation import get_language
from django.views.decorators.http import require_GET

from credit import cost, quote_documents
from credit.models import Offer, Quote, RateCap
from credit.permissions import VIEW_APPLICATION
from credit.views import Asked, applicant
from crm.lib import htmx
from crm.lib.permissions import needs


@needs(VIEW_APPLICATION)
@require_GET
def quote_page(request: Asked, public_id: str) -> HttpResponse:
    """Show the document, its hash worked out now, and the offer that refers to it."""
    quote = Quote.objects.for_list().get_for(request.user, public_id)
    document = quote.document
    table = cost.speak(document["cost_table"], get_language() or "en")
    named = {cap.public_id: str(cap) for cap in RateCap.objects.filter(public_id__in=[cap["id"] for cap in document["caps"]])}
    context = {
        "quote": quote,
        "customer": applicant(quote.application, request.user),
        "document": document,
        "total_cost": Decimal(table["total_cost"]),
        "total": Decimal(table["total_to_repay"]),
        "apr": Decimal(table["annualised"].get("apr", table["annualised"]["nominal"])),
        "items": [item | {"amount": Decimal(item["amount"])} for item in table["items"]],
        "contingent": table["contingent"],
        "no_other_charge": table["no_other_charge"],
        "rhythm": table.get("rhythm", ""),
        "caps": [cap | {"value": Decimal(cap["value"]), "name": named.get(cap["id"], cap["code"])} for cap in document["caps"]],
        "rows": [
            {"number": row["seq"], "due_on": date.fromisoformat(row["due_on"])}
            | {name: Decimal(row[name]) for name in ("principal", "interest", "fee", "payment", "balance")}
            for row in document["schedule"]
        ],
        "stands": quote_documents.stands(quote),
        "offer": Offer.objects.visible_to(request.user).filter(quote=quote).only("public_id").first(),
    }
    return htmx.render(request, "credit/quote.html", "credit/quote.html", context)
