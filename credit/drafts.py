"""Changing an application that is still a draft."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from credit import stated
from credit.applications import AlreadyOpen, checked_request
from credit.books import local_day
from credit.models import Application, Product
from governance.lifecycle import MovedMeanwhile
from governance.models import User
from ledger import log


@transaction.atomic
def revise(
    application: Application,
    *,
    product: Product,
    amount: Decimal,
    term: int,
    purpose: str,
    facts: Mapping[str, Any],
    actor: User,
    at: datetime,
    version: int,
) -> Application:
    """Replace what a draft asks for and what the applicant stated. The person stays the same.

    :raises Invalid: with a sentence per wrong field
    :raises AlreadyOpen: if the customer has an open application for the new product
    :raises MovedMeanwhile: if it is no longer the draft with this `version`
    """
    anew = local_day(product.legal_entity, at) if product.pk != application.product_id else None
    checked_request(product, amount=amount, term=term, purpose=purpose, on=anew)
    wanted = {"product": product, "amount": amount, "term": term, "purpose": purpose, "stated": stated.cleaned(facts)}
    changed = [name for name, value in wanted.items() if getattr(application, name) != value]
    same = Application.objects.filter(pk=application.pk, status=Application.Status.DRAFT, version=version)
    try:
        with transaction.atomic():
            done = same.update(version=F("version") + 1, **wanted)
    except IntegrityError as error:
        if "application_one_open_per_customer_product" not in str(error):
            raise
        raise AlreadyOpen(_("The customer already has an open application for this product.")) from None
    if not done:
        raise MovedMeanwhile(_("%(record)s was changed meanwhile, or is no draft any more.") % {"record": application})
    log.record("credit.application.changed", application, actor=actor, at=at, fields=sorted(changed))
    return Application.objects.select_related("customer", "product", "legal_entity").get(pk=application.pk)
