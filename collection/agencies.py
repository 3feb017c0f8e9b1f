"""Agencies by two persons: who they are, how many cases they may have, what they earn, who works for them."""

import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from collection import permissions
from collection.models import Agency
from crm.lib.errors import Invalid
from crm.lib.templatetags.crm import percent
from governance import changes
from governance.changes import Kind, Line
from governance.lifecycle import move
from governance.models import ChangeRequest, LegalEntity, User
from governance.models.identity import chinese

KIND = "collections.agency"
CODE = re.compile(r"^[A-Z0-9][A-Z0-9-]{1,19}$")
LONGEST_NAME, MOST_CASES, LONGEST_DPD, MOST_STEPS = 80, 1_000_000, 3_650, 10
Status = Agency.Status


def content(agency: Agency) -> dict[str, Any]:
    """Return what two persons agreed on, as a change request keeps it."""
    return {
        "entity": agency.legal_entity.code, "name_en": agency.name_en, "name_zh": agency.name_zh, "capacity": agency.capacity,
        "fees": dict(sorted(agency.fees.items(), key=lambda one: int(one[0]))), "active": agency.status == Status.ACTIVE,
        "members": sorted(agency.members.values_list("public_id", flat=True)) if agency.pk else [],
    }  # fmt: skip


def wanted(
    *, entity: LegalEntity, name_en: str, name_zh: str, capacity: int, fees: dict[int, Decimal], members: list[User], active: bool = True
) -> dict[str, Any]:
    """Return what an agency shall be, in the form of `content`; `fees` are shares by days past due."""
    return {
        "entity": entity.code, "name_en": name_en.strip(), "name_zh": name_zh.strip(), "capacity": capacity,
        "fees": {str(days): str(share) for days, share in sorted(fees.items())}, "active": active,
        "members": sorted(one.public_id for one in members),
    }  # fmt: skip


@transaction.atomic
def propose(code: str, after: dict[str, Any], *, reason: str, actor: User, at: datetime) -> ChangeRequest:
    """Put a new agency, or another capacity, schedule or member of a known one, before a second person.

    :raises Invalid: with a sentence per wrong value
    """
    return changes.propose(KIND, code.strip().upper(), after=after, reason=reason, actor=actor, at=at)


def waiting(code: str) -> ChangeRequest | None:
    return ChangeRequest.objects.filter(kind=KIND, subject=code, status=ChangeRequest.Status.OPEN).select_related("made_by").first()


def may_join() -> Any:
    """Return who may be a member: who works placements, and is not of the house."""
    return User.objects.filter(is_active=True, role__permissions__contains=[permissions.WORK_PLACEMENT]).exclude(
        role__permissions__contains=[permissions.VIEW_AGENCY]
    )


# --- what the second person is asked, and what their word does -----------------------------------------------------
def _standing(code: str) -> dict[str, Any]:
    agency = Agency.objects.select_related("legal_entity").filter(code=code).first()
    return content(agency) if agency else {}


def problems(code: str, after: dict[str, Any]) -> dict[str, Any]:
    """Return a sentence per value that cannot be."""
    found: dict[str, Any] = {}
    if not CODE.match(code):
        found["code"] = _("2 to 20 capital letters, digits and hyphens.")
    for name in ("name_en", "name_zh"):
        if not 0 < len(after[name]) <= LONGEST_NAME:
            found[name] = _("One to 80 characters.")
    if not 1 <= after["capacity"] <= MOST_CASES:
        found["capacity"] = _("Enter a whole number from 1 to %(n)s.") % {"n": MOST_CASES}
    if not 1 <= len(after["fees"]) <= MOST_STEPS or not all(_fee(days, share) for days, share in after["fees"].items()):
        found["fees"] = _("Fees are shares from 0 up to less than 1, by days past due, one to ten steps.")
    if sentence := _members(code, after["members"]):
        found["members"] = sentence
    return found


def _fee(days: str, share: str) -> bool:
    try:
        value = Decimal(share)
    except InvalidOperation:
        return False
    return (
        days.isdigit() and int(days) <= LONGEST_DPD and value.is_finite() and 0 <= value < 1 and value.as_tuple().exponent in range(-4, 1)
    )


def _members(code: str, ids: list[str]) -> Any:
    if may_join().filter(public_id__in=ids).count() != len(set(ids)):
        return _("Choose people and clients with the role of an agency.")
    if Agency.objects.filter(members__public_id__in=ids).exclude(code=code).exists():
        return _("Somebody works for another agency already.")
    agency = Agency.objects.filter(code=code).first()
    if agency is not None and not set(agency.members.values_list("public_id", flat=True)) <= set(ids):
        return _("Members stay on record: end their access by revoking the client or the user.")
    return ""


def _validate(code: str, after: dict[str, Any]) -> None:
    if not LegalEntity.objects.filter(code=after["entity"]).exists():
        raise Invalid(_("There is no such lender."))
    if found := problems(code, after):
        raise Invalid(_("Some values cannot be; see the fields."), fields=found)


def _lines(before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    found = []
    for name, label in (("name_en", _("Name in English")), ("name_zh", _("Name in Chinese")), ("capacity", _("Most cases at once"))):
        if before.get(name) != after[name]:
            found.append(Line(label, before.get(name, ""), after[name]))
    had, has = before.get("fees", {}), after["fees"]
    for days in sorted({*had, *has}, key=int):
        if had.get(days) != has.get(days):
            was, now = (percent(Decimal(one[days]), 2) if days in one else "" for one in (had, has))
            found.append(Line(_("Fee from %(days)s days past due") % {"days": days}, was, now))
    people = set(before.get("members", [])), set(after["members"])
    if people[0] != people[1]:
        found.append(Line(_("Works for it"), added=tuple(sorted(people[1] - people[0])), removed=tuple(sorted(people[0] - people[1]))))
    if before and before["active"] != after["active"]:
        words = [Status("active" if one["active"] else "suspended").label for one in (before, after)]
        found.append(Line(_("Status"), words[0], words[1]))
    return found


def _make(code: str, after: dict[str, Any], *, actor: User, at: datetime) -> Agency:
    _validate(code, after)
    values = {name: after[name] for name in ("name_en", "name_zh", "capacity", "fees")}
    row = Agency.objects.select_for_update().filter(code=code).first()
    if row is None:
        row = Agency.objects.create(code=code, legal_entity=LegalEntity.objects.get(code=after["entity"]), **values)
    else:
        for name, value in values.items():
            setattr(row, name, value)
        row.version += 1
        row.save(update_fields=[*values, "version"])
    row.members.set(User.objects.filter(public_id__in=after["members"]))
    if after["active"] and row.status == Status.SUSPENDED:
        move(row, Status.ACTIVE, actor=actor, at=at)
    return row


def _url(code: str) -> str:
    agency = Agency.objects.filter(code=code).only("public_id").first()
    return reverse("agency", args=[agency.public_id]) if agency else ""


changes.KINDS.register(
    KIND,
    Kind(
        label=_("Agency"), check=permissions.CHECK_AGENCY, standing=_standing, validate=_validate, lines=_lines, make=_make,
        name=lambda code, after: after["name_zh"] if chinese() else after["name_en"],
        url=_url,
    ),
)  # fmt: skip
