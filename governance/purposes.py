"""Purposes and grounds as data: which columns of a model a purpose may read, and under which consent."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import Invalid
from governance.models import DataPurpose, LegalBasis
from governance.models.identity import chinese

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
    name: str
    consent: str
    personal: frozenset[str]
    columns: frozenset[str]

    def refuses(self, column: str) -> bool:
        """Return whether `column` is personal and not this purpose's to read."""
        return column in self.personal and column not in self.columns


def personal_columns(model: type[models.Model]) -> dict[str, str]:
    """Return the personal columns of a model with their class."""
    policy: Any = model.POLICY  # type: ignore[attr-defined]
    return dict(policy.personal)


def lawful(model: type[models.Model], code: str) -> Lawful:
    """Return what `code` may read of `model`: columns whose declaration names it, of the classes it holds.

    :raises UnknownPurpose: if there is no such purpose in force
    """
    row = DataPurpose.objects.filter(code=code, is_active=True).first()
    if row is None:
        raise UnknownPurpose(
            _("Nothing may be read for this purpose: it is not declared."), fields={"purpose": _("Choose one of the list.")}
        )
    policy: Any = model.POLICY  # type: ignore[attr-defined]
    personal = personal_columns(model)
    allowed = frozenset(
        name
        for name, kind in personal.items()
        if kind in row.classes
        and f"{model._meta.label_lower}.{name}" not in row.without
        and code in ((said.purposes if (said := policy.column(name)) else ()) or policy.purposes)
    )
    return Lawful(code, str(row), row.consent, frozenset(personal), allowed)
