"""The door of a quote: terms become a document that nobody changes, and its hash stands in the ledger."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from credit import cost
from credit.models import Application, Quote, RateCap
from credit.product_written import stamp
from governance.models import User
from ledger import log

FORMAT = 1


def issue(
    application: Application,
    *,
    term: int,
    table: dict[str, Any],
    schedule: list[dict[str, Any]],
    annual_rate: Decimal,
    penalty_rate: Decimal,
    caps: Sequence[RateCap],
    valid_until: date,
    at: datetime,
    actor: User,
) -> Quote:
    """Issue the quote of terms worked out for `application`; the same terms again are another quote of another moment.

    The document names the version of the product and of every cap it was held against, so that it can be worked out anew.
    """
    product = application.product
    document = {
        "format": FORMAT,
        "application": application.public_id,
        "product": {"id": product.public_id, "code": product.code, "version": product.version, "stamp": stamp(product)},
        "annual_rate": str(annual_rate),
        "penalty_rate": str(penalty_rate),
        "schedule": schedule,
        "cost_table": table,
        "caps": [
            {
                "id": cap.public_id, "code": cap.code, "value": str(cap.value), "basis": cap.basis, "counts": list(cap.counts),
                "effective_from": cap.effective_from.isoformat(), "citation": cap.citation,
            }
            for cap in caps
        ],
        "issued_at": at.isoformat(),
        "valid_until": valid_until.isoformat(),
    }  # fmt: skip
    quote = Quote.objects.create(
        application=application,
        amount=Decimal(table["principal"]),
        term=term,
        annual_rate=annual_rate,
        nominal_rate=Decimal(table["annualised"]["nominal"]),
        effective_rate=Decimal(table["annualised"]["effective"]),
        document=document,
        document_hash=cost.fingerprint(document),
        valid_until=valid_until,
        issued_at=at,
        issued_by=actor,
    )
    log.record(
        "credit.quote.issued", quote, actor=actor, at=at, customer_id=application.customer_id, amount=quote.amount, term=quote.term,
        document_hash=quote.document_hash,
    )  # fmt: skip
    return quote


def stands(quote: Quote) -> bool:
    """Return whether the document is the one whose hash was recorded."""
    return cost.fingerprint(quote.document) == quote.document_hash
