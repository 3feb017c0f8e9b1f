"""Doors for roles: what a role may do is proposed by one person and confirmed by another; duties that exclude each other never meet."""

import re
from collections.abc import Collection
from datetime import datetime, time
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import Invalid, Stale
from crm.lib.permissions import ALL
from governance import access, changes, permissions, standing
from governance.changes import Kind, Line
from governance.models import ChangeRequest, DutyPair, Role, User
from governance.models.identity import Level, Scope, chinese
from ledger import log

KIND = "governance.role"
CODE = re.compile(r"[a-z][a-z0-9_]{1,39}")
LARGEST = Decimal("99999999.99")
# what makes a role, each with the value that narrows nothing
CONTENT: dict[str, Any] = {
    "name_en": "", "name_zh": "", "scope": Scope.OWN, "permissions": (), "approval_limit": None, "waiver_limit": None,
    "settlement_limit": None, "line_limit": None, "field_levels": {}, "level_ceiling": None, "products": (), "own_cases": False,
    "second_factor": False, "opens_at": None, "closes_at": None,
}  # fmt: skip
LIMIT_LABELS = {
    "approval_limit": _("Authority limit"),
    "waiver_limit": _("Waiver limit"),
    "settlement_limit": _("Settlement limit"),
    "line_limit": _("Limit of credit lines"),
}


class ConflictingDuties(Invalid):
    """The role would hold two permissions that are kept apart."""

    code = "conflicting_duties"


def content(role: Role) -> dict[str, Any]:
    """Return what a role is, as a change request keeps it."""
    return wanted(**{name: getattr(role, name) for name in CONTENT})


def wanted(**values: Any) -> dict[str, Any]:
    """Return what a role shall be, as JSON keeps it, from values for `CONTENT`; what is left out narrows nothing.

    :raises TypeError: for a name that is not of a role
    """
    if unknown := set(values) - set(CONTENT):
        raise TypeError(f"not of a role: {sorted(unknown)}")
    found: dict[str, Any] = {name: values.get(name, standard) for name, standard in CONTENT.items()}
    for name in Role.LIMITS:
        found[name] = None if found[name] is None else f"{found[name]:.2f}"
    for name in ("opens_at", "closes_at"):
        found[name] = None if found[name] is None else f"{found[name]:%H:%M}"
    levels = {code: str(level) for code, level in found["field_levels"].items() if level != Level.EDIT}
    return found | {
        "name_en": found["name_en"].strip(), "name_zh": found["name_zh"].strip(), "scope": str(found["scope"]),
        "permissions": sorted(set(found["permissions"])), "products": sorted(set(found["products"])), "field_levels": levels,
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
        raise Invalid(_("There is no such data scope."), fields={"scope": _("Choose own, team, branch tree or all.")})
    if unknown := sorted(set(after["permissions"]) - set(ALL)):
        raise Invalid(_("There is no permission “%(code)s”.") % {"code": unknown[0]}, fields={"permissions": unknown[0]})
    for name in Role.LIMITS:
        if (limit := after[name]) is not None and not 0 <= Decimal(limit) <= LARGEST:
            raise Invalid(_("The authority limit cannot be."), fields={name: _("From 0.00 to 99,999,999.99.")})
    _validate_attributes(after)
    together = [conflicts({*after["permissions"], *others}) for others in [set[str](), *standing.beside(code)]]
    if pairs := [pair for found in together for pair in found]:
        pair = pairs[0]
        sentence = _("“%(first)s” and “%(second)s” may not stand in one role: %(why)s") % {
            "first": ALL[pair.first].label,
            "second": ALL[pair.second].label,
            "why": pair,
        }
        raise ConflictingDuties(sentence, fields={"permissions": sentence}, pair=pair.code)


def _validate_attributes(after: dict[str, Any]) -> None:
    for code, level in after["field_levels"].items():
        if code not in access.FIELDS or level not in Level.values:
            raise Invalid(_("There is no field “%(code)s” with levels.") % {"code": code}, fields={"field_levels": code})
    if unknown := sorted(set(after["products"]) - {code for code, _name in access.products()}):
        raise Invalid(_("There is no product “%(code)s”.") % {"code": unknown[0]}, fields={"products": unknown[0]})
    if after["level_ceiling"] not in (None, 1, 2, 3, 4, 5):
        raise Invalid(_("Levels of data go from 1 to 5."), fields={"level_ceiling": _("From 1 to 5.")})
    opens, closes = after["opens_at"], after["closes_at"]
    if (opens is None) != (closes is None) or (opens is not None and opens == closes):
        both = _("Give both hours, one after the other, or none.")
        raise Invalid(both, fields={"closes_at": both})


def _lines(before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    found = []
    for name, label in (("name_en", _("Name in English")), ("name_zh", _("Name in Chinese"))):
        if before.get(name) != after[name]:
            found.append(Line(label, before.get(name, ""), after[name]))
    if before.get("scope") != after["scope"]:
        found.append(Line(_("Data scope"), _scope(before.get("scope")), _scope(after["scope"])))
    for name, label in LIMIT_LABELS.items():
        if before.get(name) != after.get(name):
            found.append(Line(label, before.get(name) or "", after.get(name) or ""))
    found += _attribute_lines(CONTENT | before, CONTENT | after)
    had, has = set(before.get("permissions", ())), set(after["permissions"])
    if had != has:
        found.append(Line(_("Permissions"), added=labels(has - had), removed=labels(had - has)))
    return found


def _attribute_lines(before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    found = []
    for code in sorted({*before["field_levels"], *after["field_levels"]}):
        was, shall = (said["field_levels"].get(code, Level.EDIT) for said in (before, after))
        if was != shall:
            label = access.FIELDS[code].label if code in access.FIELDS else code
            found.append(Line(label, level_words(was), level_words(shall)))
    if before["level_ceiling"] != after["level_ceiling"]:
        found.append(Line(_("Highest level of data"), before["level_ceiling"] or "", after["level_ceiling"] or ""))
    had, has = set(before["products"]), set(after["products"])
    if had != has:
        found.append(Line(_("Only these products"), added=tuple(sorted(has - had)), removed=tuple(sorted(had - has))))
    for name, label in (("own_cases", _("Only their own cases")), ("second_factor", _("Second factor needed"))):
        if before[name] != after[name]:
            words = {True: _("Yes"), False: _("No")}
            found.append(Line(label, words[before[name]], words[after[name]]))
    if (before["opens_at"], before["closes_at"]) != (after["opens_at"], after["closes_at"]):
        found.append(Line(_("Hours"), hours_words(before), hours_words(after)))
    return found


def narrowed(role: Role) -> list[tuple[Any, str]]:
    """Return how a role is narrowed beyond its permissions and scope, and its further limits, in words."""
    said = content(role)
    lines = _attribute_lines(CONTENT, said)
    lines += [Line(label, "", said[name]) for name, label in LIMIT_LABELS.items() if name != "approval_limit" and said[name]]
    return [(line.label, ", ".join(map(str, line.added)) or str(line.after)) for line in lines]


def level_words(level: str) -> Any:
    """Return how a level of a field is called; the highest narrows nothing."""
    return _("As permitted") if level == Level.EDIT else Level(level).label


def hours_words(said: dict[str, Any]) -> str:
    return f"{said['opens_at']}–{said['closes_at']}" if said["opens_at"] else ""


def _scope(value: Any) -> Any:
    return dict(Scope.choices).get(value, "")


def labels(codes: Collection[str]) -> tuple[Any, ...]:
    """Return what permissions are called, in the order of their codes."""
    return tuple(ALL[code].label if code in ALL else code for code in sorted(codes))


def _make(code: str, after: dict[str, Any], *, actor: User, at: datetime) -> Role:
    values = CONTENT | after
    values |= {name: None if values[name] is None else Decimal(values[name]) for name in Role.LIMITS}
    values |= {name: None if values[name] is None else time.fromisoformat(values[name]) for name in ("opens_at", "closes_at")}
    values |= {name: list(values[name]) for name in ("permissions", "products")}
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
        **{
            name: after.get(name)
            for name in ("field_levels", "level_ceiling", "products", "own_cases", "second_factor", "opens_at", "closes_at", *Role.LIMITS)
        },
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
