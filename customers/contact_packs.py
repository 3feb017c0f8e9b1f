"""Rule packs of the contact policy: the shipped rows, and the limits that hold on a day as the strictest of pack and house.

The rows are data (`customers/data/contact_packs.json`) and become rules of the rule book; from then on the rule book is the truth. Which
pack holds is the rule `contact.pack`, or `contact.pack.<code>` for one lender of several.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time
from functools import cache
from pathlib import Path
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from customers.contact_policy import Pack
from governance import rules
from governance.models import Rule
from governance.rules import NoRule

FILE = Path(__file__).parent / "data" / "contact_packs.json"
CHOSEN, HOUSE, DEFAULT = "contact.pack", "house", "cn"
MINUTES = "contact.call_minutes"
WIDEST = "hours"  # the one limit that is not a number
# British numbers for which who calls back pays extra: 09, 087 and 118 (FCA Handbook CONC 7.9; Ofcom's numbering plan). Written without the
# country they are area codes elsewhere, 0871 that of Kunming, so they are read so only where the British pack holds.
EXTRA = r"(?:9\d{2}|87[0-3])(?:[ -]?\d){6,7}(?!\d)"
PREMIUM_ABROAD = re.compile(rf"(?:\+|(?<!\d)00)44[ -]?(?:\(0\)[ -]?)?{EXTRA}")
PREMIUM_AT_HOME = re.compile(rf"(?<!\d)(?:0{EXTRA}|118\d{{3}}(?!\d))")
# Limits of which more is stricter; of all others less is.
MORE_IS_STRICTER = frozenset({"quiet_days", "interval_days"})


@dataclass(frozen=True, slots=True)
class Part:
    """One limit of a pack: what it is for the gate, and the rule of the rule book that holds its value."""

    part: str
    code: str


@dataclass(frozen=True, slots=True)
class Held:
    """The limits of a day, the pack they are of, and for each limit the rule that sets it."""

    pack: Pack
    name: str
    sources: Mapping[str, str]
    minutes: int


@cache
def shipped() -> Mapping[str, dict[str, Any]]:
    """Return the shipped packs by code."""
    return {pack["code"]: pack for pack in json.loads(FILE.read_text())["packs"]}


@cache
def laws() -> tuple[str, ...]:
    """Return the packs one may choose from."""
    return tuple(code for code in shipped() if code != HOUSE)


@cache
def parts(pack: str) -> tuple[Part, ...]:
    """Return the limits of a pack, one each."""
    found = {row["part"]: row["code"] for row in shipped()[pack]["rules"] if row["part"]}
    return tuple(Part(part, code) for part, code in found.items())


def seed() -> None:
    """Write the shipped rows into the rule book; rows that stand are left as they are. Idempotent."""
    for pack in shipped().values():
        for row in pack["rules"]:
            rules.put(
                row["code"],
                value=row["value"],
                unit=row["unit"],
                meaning_en=row["meaning_en"],
                meaning_zh=row["meaning_zh"],
                citation=row.get("citation", ""),
                verification=row["verification"],
                effective_from=date.fromisoformat(row["from"]),
                effective_to=date.fromisoformat(row["to"]) if "to" in row else None,
            )


def held(*, on: date, lender: str = "") -> Held:
    """Return the limits that hold on a day; one query.

    :param lender: code of the legal entity, which may have a pack of its own
    :raises NoRule: if one is missing: without rules nobody is contacted
    """
    return made(values_on(on), on=on, lender=lender)


def values_on(on: date) -> dict[str, Any]:
    """Return what the rule book says of contact on a day, by code; one query."""
    lasting = Q(effective_to__isnull=True) | Q(effective_to__gt=on)
    return rules.read(Rule.objects.filter(lasting, code__startswith="contact.", effective_from__lte=on))


def made(values: Mapping[str, Any], *, on: date, lender: str = "") -> Held:
    """Return the limits that values of the rule book make: of the pack and of the house the stricter one of each.

    :raises NoRule: if one is missing
    """
    name = values.get(f"{CHOSEN}.{lender}") or needed(values, CHOSEN, on)
    if name not in laws():
        raise NoRule(_("No rule “%(code)s” holds on %(date)s.") % {"code": f"{CHOSEN}: {name}", "date": on.isoformat()})
    limits: dict[str, Any] = dict.fromkeys(Pack.__dataclass_fields__)
    sources: dict[str, str] = {}
    for part in (*parts(name), *parts(HOUSE)):
        value = needed(values, part.code, on)
        if part.part == WIDEST:
            opens, closes = time.fromisoformat(value["opens"]), time.fromisoformat(value["closes"])
            if limits["opens"] is None or opens > limits["opens"] or closes < limits["closes"]:
                sources[WIDEST] = part.code
            limits["opens"], limits["closes"] = max(opens, limits["opens"] or opens), min(closes, limits["closes"] or closes)
        elif stricter(part.part, value, limits[part.part]):
            limits[part.part], sources[part.part] = value, part.code
    return Held(Pack(**limits), name, sources, int(needed(values, MINUTES, on)))


def needed(values: Mapping[str, Any], code: str, on: date) -> Any:
    if code not in values:
        raise NoRule(_("No rule “%(code)s” holds on %(date)s.") % {"code": code, "date": on.isoformat()})
    return values[code]


def stricter(part: str, value: Any, than: Any) -> bool:
    """Return whether one limit refuses more than another; any limit refuses more than none."""
    if part in MORE_IS_STRICTER:
        return bool(value > (than or 0))  # none of these days is no limit
    return bool(than is None or value < than)


def premium(text: str) -> str:
    """Return the first number in a text that costs who calls it extra, "" for none; national numbers where a lender has the British pack."""
    british = any(
        row.value == "uk_conc" for row in Rule.objects.filter(Q(code=CHOSEN) | Q(code__startswith=f"{CHOSEN}."), effective_to__isnull=True)
    )
    found = PREMIUM_ABROAD.search(text) or (british and PREMIUM_AT_HOME.search(text)) or None
    return found.group() if found else ""


def codes() -> Iterable[str]:
    """Return every code of the contact policy that ships."""
    return dict.fromkeys(row["code"] for pack in shipped().values() for row in pack["rules"])
