"""Purposes and grounds as data: which columns of a model a purpose may read, and under which consent."""

import json
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from time import monotonic
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import Invalid
from governance.models import DataPurpose, LegalBasis
from governance.models.identity import chinese

KEPT_SECONDS = 30
DATA = Path(__file__).parent / "data" / "purposes.json"


class UnknownPurpose(Invalid):
    """Nothing may be read for a purpose nobody declared, or that is no longer in force."""

    code = "unknown_purpose"


@cache
def declared() -> dict[str, Any]:
    """Return what the product declares: bases, purposes, recipients, by code."""
    return {kind: {row["code"]: row for row in rows} for kind, rows in json.loads(DATA.read_text()).items()}


def seed() -> None:
    """Create the grounds and purposes that are missing; those a lender changed stay."""
    for row in declared()["bases"].values():
        LegalBasis.objects.get_or_create(code=row["code"], defaults=row)
    grounds = {basis.code: basis for basis in LegalBasis.objects.all()}
    for row in declared()["purposes"].values():
        DataPurpose.objects.get_or_create(code=row["code"], defaults=row | {"basis": grounds[row["basis"]]})


def recipient(code: str) -> str:
    """Return the name of a kind of third party data goes to."""
    row = declared()["recipients"][code]
    return str(row["name_zh"] if chinese() else row["name_en"])


@dataclass(frozen=True)
class Lawful:
    """A purpose held against one model: what may be read, and under which consent."""

    code: str
    name_en: str
    name_zh: str
    consent: str
    personal: frozenset[str]
    columns: frozenset[str]

    @property
    def name(self) -> str:
        return self.name_zh if chinese() else self.name_en

    @cached_property
    def refused(self) -> frozenset[str]:
        """The personal columns that are not this purpose's to read."""
        return self.personal - self.columns

    def refuses(self, column: str) -> bool:
        return column in self.refused


_kept: dict[tuple[str, str], tuple[float, Lawful]] = {}


def forget() -> None:
    """Read the purposes anew from now on, in this process."""
    _kept.clear()


def lawful(model: type[models.Model], code: str) -> Lawful:
    """Return what `code` may read of `model`: columns whose declaration names it, of the classes it holds.

    Kept for half a minute in each process: so long a changed purpose may still be read as it was.

    :raises UnknownPurpose: if there is no such purpose in force
    """
    key = (model._meta.label_lower, code)
    since, found = _kept.get(key, (0.0, None))
    if found is None or monotonic() - since > KEPT_SECONDS:
        found = _read(model, code)
        _kept[key] = (monotonic(), found)
    return found


def _read(model: type[models.Model], code: str) -> Lawful:
    row = DataPurpose.objects.filter(code=code, is_active=True).first() if "\0" not in code else None
    if row is None:
        raise UnknownPurpose(
            _("Nothing may be read for this purpose: it is not declared."), fields={"purpose": _("Choose one of the list.")}
        )
    policy: Any = model.POLICY  # type: ignore[attr-defined]
    allowed = frozenset(
        name
        for name, kind in policy.personal.items()
        if kind in row.classes
        and f"{model._meta.label_lower}.{name}" not in row.without
        and code in ((said.purposes if (said := policy.column(name)) else ()) or policy.purposes)
    )
    return Lawful(code, row.name_en, row.name_zh, row.consent, frozenset(policy.personal), allowed)


def choices(model: type[models.Model], column: str) -> list[tuple[str, str]]:
    """Return the purposes for which staff open a masked value of `column`, as choices of a form; one query."""
    policy: Any = model.POLICY  # type: ignore[attr-defined]
    said = policy.column(column)
    named = (said.purposes if said else ()) or policy.purposes
    place, kind = f"{model._meta.label_lower}.{column}", policy.personal.get(column, "")
    rows = DataPurpose.objects.filter(reveals=True, is_active=True, code__in=named).order_by("pk")
    return [(row.code, str(row)) for row in rows if kind in row.classes and place not in row.without]


def opens(code: str) -> bool:
    """Return whether masked values are opened for this purpose."""
    return "\0" not in code and DataPurpose.objects.filter(code=code, reveals=True, is_active=True).exists()
