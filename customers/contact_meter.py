"""How much of each limit is used with one person: what a page shows beside the person, before anybody dials."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from customers import contact_policy, contacts
from customers.contacts import Judged
from customers.models import Customer

CHANNELS = ("call", "sms", "email", "letter", "visit")
# limit of the pack → what is counted of it, in words
LINES: tuple[tuple[str, str, str], ...] = (
    ("connected_calls_per_day", "connects_today", "talks"),
    ("calls_per_day", "calls_today", "calls"),
    ("calls_per_week", "calls_week", "calls_week"),
    ("contacts_per_month", "contacts_month", "contacts"),
    ("pressure_per_month", "pressure_month", "pressure"),
)


@dataclass(frozen=True)
class Line:
    """One limit: how much is used and how much is left."""

    label: str
    used: int
    most: int
    tone: str

    @property
    def text(self) -> str:
        left = max(self.most - self.used, 0)
        return _("%(used)s of %(most)s, %(left)s left") % {"used": self.used, "most": self.most, "left": left}


@dataclass(frozen=True)
class Meter:
    """The limits of one person, what each channel may do now, and from when it may again."""

    lines: list[Line]
    ways: list[dict[str, Any]]
    pack: str
    unclear: bool


def read(customer: Customer, *, at: datetime, said: Mapping[str, Judged] | None = None) -> Meter:
    """Return the meter of a customer; no query where the gate was asked before.

    :param said: what `contacts.judged_by` answered for `CHANNELS`
    """
    said = said or contacts.judged_by(customer, CHANNELS, at)
    call = said["call"]
    counts, pack = contact_policy.counted(call.question), call.held.pack
    words = {
        "talks": _("Answered calls today"),
        "calls": _("Calls today"),
        "calls_week": _("Calls in seven days"),
        "contacts": _("Contacts in thirty days, all channels"),
        "pressure": _("Pressure in thirty days"),
    }
    lines = []
    for limit, counted, word in LINES:
        most = getattr(pack, limit)
        if most is not None:
            lines.append(Line(words[word], counts[counted], most, tone(counts[counted], most)))
    ways = [
        {
            "label": contacts.words(channel),
            "allowed": one.verdict.allowed,
            "reason": one.answer.reason,
            "opens_at": one.verdict.opens_at,
        }
        for channel, one in said.items()
    ]
    return Meter(lines, ways, call.held.name, bool(contact_policy.warnings(call.question, pack)))


def tone(used: int, most: int) -> str:
    """Return how near a limit is: used up, nearly so, or neither."""
    return "bad" if used >= most else "caution" if used * 4 >= most * 3 else ""
