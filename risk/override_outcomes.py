"""Overrides against how they turned out: what people approved of what the engine had referred, beside what the engine approved itself."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from crm.lib.dates import add_months
from governance.models import User
from risk import outcome_source, stability
from risk.models import Decision
from risk.monitor_counts import MOST_SUBJECTS, midnight
from risk.monitor_rules import Held, Performance
from risk.outcome_source import Outcome

MONTHS = 24  # of decisions looked at


@dataclass
class Turned:
    """How loans turned out by one definition of bad: of those whose time was up."""

    n: int = 0
    bad: int = 0

    @property
    def share(self) -> stability.Measured:
        return stability.share(self.bad, self.n)


@dataclass
class Line:
    """What one person, or the engine, approved, and how it turned out."""

    name: str
    approved: int = 0
    declined: int = 0
    early: Turned = field(default_factory=Turned)
    full: Turned = field(default_factory=Turned)


def lines(user: User, *, as_of: date, held: Held) -> tuple[list[Line], Line]:
    """Return a line a person and the engine's own to compare with; five statements and two a source, however many decisions.

    Of what people decided, `user` sees their own; with data scope "all" everybody's, the most decisions first.
    """
    rows = list(
        Decision.objects.filter(at__gte=midnight(add_months(as_of, -MONTHS)), outcome__in=["refer", "approve"])
        .exclude(subject="")
        .order_by("subject", "-pk")
        .distinct("subject")
        .values_list("subject", "outcome")[:MOST_SUBJECTS]
    )
    finals = outcome_source.finals((subject for subject, _outcome in rows), as_of=as_of)
    ours = {
        subject: final
        for subject, outcome in rows
        if (final := finals.get(subject))
        and ((outcome == "approve" and final.by is None) or (final.by and (user.scope == "all" or final.by == user.pk)))
    }
    approved = [subject for subject, final in ours.items() if final.approved]
    early, full = (_turned(approved, of, as_of=as_of) for of in (held.early, held.full))
    names = dict(User.objects.filter(pk__in={final.by for final in ours.values() if final.by}).values_list("pk", "username"))
    found: dict[Any, Line] = defaultdict(lambda: Line(""))
    for subject, final in ours.items():
        line = found[final.by]
        line.name = names.get(final.by or 0, "")
        line.approved += final.approved
        line.declined += not final.approved
        for turned, told in ((line.early, early), (line.full, full)):
            if (outcome := told.get(subject)) is not None and outcome.counts:
                turned.n += 1
                turned.bad += outcome.bad
    engine = found.pop(None, Line(""))
    return sorted(found.values(), key=lambda line: (-(line.approved + line.declined), line.name)), engine


def _turned(subjects: Iterable[str], of: Performance, *, as_of: date) -> dict[str, Outcome]:
    return outcome_source.outcomes(subjects, as_of=as_of, horizon_months=of.months, bad_dpd=of.dpd)
