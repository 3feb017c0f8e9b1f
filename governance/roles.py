"""Doors for roles: what a role may do is proposed by one person and confirmed by another; duties that exclude each other never meet."""

import re
from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import Invalid, Stale
from crm.lib.permissions import ALL
from governance import changes, permissions, standing
from governance.changes import Kind, Line
from governance.models import ChangeRequest, DutyPair, Role, User
from governance.models.identity import Scope, chinese
from ledger import log

KIND = "governance.role"
CODE = re.compile(r"[a-z][a-z0-9_]{1,39}")
LARGEST = Decimal("99999999.99")


class ConflictingDuties(Invalid):
    """The role would hold two permissions that are kept apart."""

    code = "conflicting_duties"


def content(role: Role) -> dict[str, Any]:
    """Return what a role is, as a change request keeps it."""
    return {
        "name_en": role.name_en,
        "name_zh": role.name_zh,
        "scope": str(role.scope),
        "permissions": sorted(role.permissions),
        "approval_limit": None if role.approval_limit is None else str(role.approval_limit),
    }


def wanted(*, name_en: str, name_zh: str, scope: str, permissions: Collection[str], approval_limit: Decimal | None) -> dict[str, Any]:
    """Return what a role shall be, in the form of `content`."""
    limit = None if approval_limit is None else f"{approval_limit:.2f}"
    return {
        "name_en": name_en.strip(), "name_zh": name_zh.strip(), "scope": str(scope), "permissions": sorted(set(permissions)), "approval_limit": limit,
    }  # fmt: skip


def propose(code: str, after: dict[str, Any], *, reason: str, actor: User, at: datetime, version: int | None = None) -> ChangeRequest:
    """Propose a new role or a change of one.

    :param version: of the role that the proposal was written against
    :raises ConflictingDuties: naming the pair
    :raises Invalid: for an unknown permission, scope or code
    :raises Stale: if the role was changed since `version`
    """
    if version is not None and not Role.objects.filter(code=code, version=version).exists():
        raise Stale(_("This role was changed meanwhile."))
    return changes.propose(KIND, code, after=after, reason=reason, actor=actor, at=at)


def conflicts(codes: Collection[str]) -> list[DutyPair]:
    """Return the pairs of duties that a role with these permissions would hold together."""
    return list(DutyPair.objects.filter(is_active=True, first__in=codes, second__in=codes).order_by("pk"))


def difference(first: Role, second: Role) -> list[Line]:
    """Return what one role is and the other is not."""
    return _lines(content(first), content(second))


# --- the kind of change --------------------------------------------------------------------------------------------
def _standing(code: str) -> dict[str, Any]:
    role = Role.objects.filter(code=code).first()
    return content(role) if role else {}


def _validate(code: str, after: dict[str, Any]) -> None:
    if not CODE.fullmatch(code):
        form = _("Small letters, digits and _, beginning with a letter.")
        raise Invalid(form, fields={"code": form})
    for name in ("name_en", "name_zh"):
        if not 0 < len(after[name]) <= 80:
            raise Invalid(_("A role has a name in both languages."), fields={name: _("One to 80 characters.")})
    if after["scope"] not in Scope.values:
        raise Invalid(_("There is no such data scope."), fields={"scope": _("Choose own, team or all.")})
    if unknown := sorted(set(after["permissions"]) - set(ALL)):
        raise Invalid(_("There is no permission “%(code)s”.") % {"code": unknown[0]}, fields={"permissions": unknown[0]})
    if (limit := after["approval_limit"]) is not None and not 0 <= Decimal(limit) <= LARGEST:
        raise Invalid(_("The authority limit cannot be."), fields={"approval_limit": _("From 0.00 to 99,999,999.99.")})
    together = [conflicts({*after["permissions"], *others}) for others in [set[str](), *standing.beside(code)]]
    if pairs := [pair for found in together for pair in found]:
        pair = pairs[0]
        sentence = _("“%(first)s” and “%(second)s” may not stand in one role: %(why)s") % {
            "first": ALL[pair.first].label,
            "second": ALL[pair.second].label,
            "why": pair,
        }
        raise ConflictingDuties(sentence, fields={"permissions": sentence}, pair=pair.code)


def _lines(before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    found = []
    for name, label in (("name_en", _("Name in English")), ("name_zh", _("Name in Chinese"))):
        if before.get(name) != after[name]:
            found.append(Line(label, before.get(name, ""), after[name]))
    if before.get("scope") != after["scope"]:
        found.append(Line(_("Data scope"), _scope(before.get("scope")), _scope(after["scope"])))
    if before.get("approval_limit") != after["approval_limit"]:
        found.append(Line(_("Authority limit"), before.get("approval_limit") or "", after["approval_limit"] or ""))
    had, has = set(before.get("permissions", ())), set(after["permissions"])
    if had != has:
        found.append(Line(_("Permissions"), added=labels(has - had), removed=labels(had - has)))
    return found


def _scope(value: Any) -> Any:
    return dict(Scope.choices).get(value, "")


def labels(codes: Collection[str]) -> tuple[Any, ...]:
    """Return what permissions are called, in the order of their codes."""
    return tuple(ALL[code].label if code in ALL else code for code in sorted(codes))


def _make(code: str, after: dict[str, Any], *, actor: User, at: datetime) -> Role:
    limit = after["approval_limit"]
    values = after | {"approval_limit": None if limit is None else Decimal(limit)}
    role = Role.objects.select_for_update().filter(code=code).first()
    if role is None:
        role = Role.objects.create(code=code, offered=values["permissions"], **values)
        log.record("governance.role.created", role, actor=actor, at=at, permissions=values["permissions"], scope=values["scope"])
        return role
    had = set(role.permissions)
    for name, value in values.items():
        setattr(role, name, value)
    role.version += 1
    role.save()
    facts = {
        "added": sorted(set(values["permissions"]) - had),
        "removed": sorted(had - set(values["permissions"])),
        "scope": values["scope"],
    }
    log.record("governance.role.changed", role, actor=actor, at=at, **facts)
    return role


def _name(code: str, after: dict[str, Any]) -> Any:
    return after["name_zh"] if chinese() else after["name_en"]


changes.KINDS.register(
    KIND,
    Kind(
        label=_("Role"),
        check=permissions.CHECK_ROLE,
        standing=_standing,
        validate=_validate,
        lines=_lines,
        make=_make,
        name=_name,
        url=lambda code: reverse("role", args=[code]) if Role.objects.filter(code=code).exists() else "",
    ),
)
