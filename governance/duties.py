"""Doors for duties that are kept apart: a pair is added, changed, retired or taken up again by two persons."""

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import Invalid
from crm.lib.permissions import ALL
from governance import changes, permissions, roles, standing
from governance.changes import Kind, Line
from governance.models import ChangeRequest, DutyPair, Role, User
from governance.models.identity import chinese
from ledger import log

KIND = "governance.duty_pair"
FIELDS = ("first", "second", "meaning_en", "meaning_zh", "source", "is_active")


class HeldTogether(Invalid):
    """A role or a person holds both now."""

    code = "held_together"


def content(pair: DutyPair) -> dict[str, Any]:
    """Return what a pair is, as a change request keeps it."""
    return {name: getattr(pair, name) for name in FIELDS}


def propose(code: str, after: dict[str, Any], *, reason: str, actor: User, at: datetime) -> ChangeRequest:
    """Propose a pair, or a change of one.

    :raises HeldTogether: naming the role or person that holds both permissions now
    """
    return changes.propose(KIND, code, after={name: after[name] for name in FIELDS}, reason=reason, actor=actor, at=at)


def holders(first: str, second: str) -> list[str]:
    """Return the roles that hold both permissions, and the people who do by a right that is lent to them."""
    both = {first, second}
    found = [str(role) for role in Role.objects.filter(permissions__contains=[first, second]).order_by("pk")]
    return found + [str(user) for user, codes in standing.borrowers() if both <= codes]


def _standing(code: str) -> dict[str, Any]:
    pair = DutyPair.objects.filter(code=code).first()
    return content(pair) if pair else {}


def _validate(code: str, after: dict[str, Any]) -> None:
    if not roles.CODE.fullmatch(code):
        form = _("Small letters, digits and _, beginning with a letter.")
        raise Invalid(form, fields={"code": form})
    for name in ("first", "second"):
        if after[name] not in ALL:
            raise Invalid(_("There is no permission “%(code)s”.") % {"code": after[name]}, fields={name: after[name]})
    if after["first"] == after["second"]:
        same = _("A pair is of two different permissions.")
        raise Invalid(same, fields={"second": same})
    for name in ("meaning_en", "meaning_zh", "source"):
        if not 0 < len(after[name].strip()) <= 200:
            raise Invalid(_("Say why, in both languages, and where it comes from."), fields={name: _("One to 200 characters.")})
    if after["is_active"] and (found := holders(after["first"], after["second"])):
        sentence = _("Held together now by: %(names)s. Change that first.") % {"names": ", ".join(found[:10])}
        raise HeldTogether(sentence, fields={"second": sentence})


def _lines(before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    labels = {
        "first": _("First permission"), "second": _("Second permission"), "meaning_en": _("Why (English)"), "meaning_zh": _("Why (Chinese)"),
        "source": _("Source"), "is_active": _("In force"),
    }  # fmt: skip
    return [
        Line(label, _shown(name, before.get(name)), _shown(name, after[name]))
        for name, label in labels.items()
        if before.get(name) != after[name]
    ]


def _shown(name: str, value: Any) -> Any:
    if value is None:
        return ""
    if name == "is_active":
        return _("yes") if value else _("no")
    return ALL[value].label if name in ("first", "second") and value in ALL else value


def _make(code: str, after: dict[str, Any], *, actor: User, at: datetime) -> DutyPair:
    _validate(code, after)
    pair, made = DutyPair.objects.update_or_create(code=code, defaults=after)
    event = "governance.duty_pair.added" if made else "governance.duty_pair.changed"
    log.record(event, pair, actor=actor, at=at, first=pair.first, second=pair.second, in_force=pair.is_active)
    return pair


def _name(code: str, after: dict[str, Any]) -> Any:
    return after["meaning_zh"] if chinese() else after["meaning_en"]


changes.KINDS.register(
    KIND,
    Kind(
        label=_("Duties kept apart"), check=permissions.CHECK_ROLE, standing=_standing, validate=_validate, lines=_lines, make=_make,
        name=_name, url=lambda code: reverse("duty-list"),
    ),
)  # fmt: skip
