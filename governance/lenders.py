"""Doors for a lender itself: what its letters name, so that who gets one can tell who writes and answer."""

import re
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import Invalid, Stale
from governance.models import LegalEntity, User
from ledger import log

NUMBER = re.compile(r"^\+?[0-9][0-9 ()-]{5,38}[0-9]$")


@transaction.atomic
def change(
    entity: LegalEntity,
    *,
    name_en: str,
    name_zh: str,
    seat_en: str,
    seat_zh: str,
    telephone: str,
    version: int,
    actor: User,
    at: datetime,
) -> LegalEntity:
    """Change what a lender is called and where it is reached; letters that went out stay as they are.

    :raises Invalid: if the telephone is no number, or the address stands in one language alone
    :raises Stale: if somebody changed the lender since `version`
    """
    values: dict[str, Any] = {
        name: " ".join(value.split())
        for name, value in (
            ("name_en", name_en), ("name_zh", name_zh), ("seat_en", seat_en), ("seat_zh", seat_zh), ("telephone", telephone),
        )
    }  # fmt: skip
    found: dict[str, Any] = {}
    if values["telephone"] and not NUMBER.match(values["telephone"]):
        found["telephone"] = _("Enter the telephone in digits, such as 021-5550 0100.")
    for name, other in (("seat_en", "seat_zh"), ("seat_zh", "seat_en")):
        if values[other] and not values[name]:
            found[name] = _("Letters are in two languages: enter the address in both.")
    if found:
        raise Invalid(next(iter(found.values())), fields=found)
    fields = sorted(name for name, value in values.items() if getattr(entity, name) != value)
    if not fields:
        return entity
    if not LegalEntity.objects.filter(pk=entity.pk, version=version).update(version=F("version") + 1, **values):
        raise Stale(_("This lender was changed meanwhile."))
    log.record("governance.lender.changed", entity, actor=actor, at=at, fields=fields)
    return LegalEntity.objects.get(pk=entity.pk)
