"""The door of the roster: what a collector can, speaks and carries."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from collection.models import Collector
from crm.lib.errors import Invalid, Stale
from governance.models import User
from ledger import log

COLUMNS = ("languages", "skills", "most_cases", "daily_contacts", "works_from", "works_until", "workdays")


@transaction.atomic
def put(person: User, *, values: Mapping[str, Any], version: int | None, actor: User, at: datetime) -> Collector:
    """Put a person on the roster, or change what stands there.

    :raises Invalid: with a sentence per wrong value
    :raises Stale: if somebody changed it since `version`
    """
    row = Collector.objects.select_for_update().filter(user=person).first() or Collector(user=person)
    if row.pk and version and row.version != version:
        raise Stale(_("%(name)s was changed meanwhile. Your change is not saved yet.") % {"name": person}, version=row.version)
    found: dict[str, Any] = {}
    if not set(values.get("skills", [])) <= set(Collector.Skill.values):
        found["skills"] = _("Choose from the list.")
    if not values.get("workdays") or not set(values["workdays"]) <= set(range(7)):
        found["workdays"] = _("Choose at least one day of the week.")
    if values["works_until"] <= values["works_from"]:
        found["works_until"] = _("The day has to end after it began.")
    if found:
        raise Invalid(_("Some values cannot be; see the fields."), fields=found)
    for name in COLUMNS:
        setattr(row, name, values[name])
    row.version = row.version + 1 if row.pk else 1
    row.save()
    log.record("collections.collector.changed", row, actor=actor, at=at, person=person.pk)
    return row
