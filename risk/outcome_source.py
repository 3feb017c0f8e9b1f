"""How what was judged turned out: the port through which models, backtests and monitoring learn who paid.

Risk does not know loans. The app that does registers a source for its kind of subject; see `credit/risk_outcomes.py`. The definition
stands here, so that a model is trained, tested and watched by one and the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal, Protocol

from crm.lib.registry import Registry

HORIZON_MONTHS: Final = 12
BAD_DPD: Final = 90

Status = Literal["good", "bad", "indeterminate", "immature"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the loan that came of a subject went, as known on a day.

    `status`: **bad** was past due by at least the days asked for, or given up as lost, within the horizon, and is bad from that day on,
    whether or not the horizon has passed; **immature** has shown nothing bad and the horizon has not passed; **good** has passed it;
    **indeterminate** ended in a way that proves neither (cancelled in the cooling-off period, sold).

    A rate or a measure is taken of `counts` alone: of those whose horizon has passed. The bad of younger ones show sooner than their good.
    """

    status: Status
    months: int  # full months looked at, at most the horizon
    worst_dpd: int  # the most days past due within the horizon, as far as it has passed
    began_on: date  # the day the money went out
    bad_on: date | None  # the first day it was bad
    matured: bool  # the whole horizon has passed
    lent: Decimal  # CNY
    lost: Decimal  # CNY written off within the horizon, less what was recovered of it

    @property
    def counts(self) -> bool:
        """Whether it stands in rates: its horizon has passed and it proves one thing or the other."""
        return self.matured and self.status in ("good", "bad")

    @property
    def bad(self) -> bool:
        return self.status == "bad"


@dataclass(frozen=True, slots=True)
class FinalWord:
    """What was decided in the end about a subject that the engine judged."""

    approved: bool
    by: int | None  # the user who decided it, None where the engine's word stood
    at: datetime


class Source(Protocol):
    """Tells the outcomes of subjects of its kind, by their public ids, in a number of queries that does not grow with theirs.

    Ids of what no loan came of are left out of the answer.
    """

    def __call__(self, ids: Sequence[str], *, as_of: date, horizon_months: int, bad_dpd: int) -> Mapping[str, Outcome]: ...


class FinalSource(Protocol):
    """Tells what was decided in the end; what is undecided, or ended without a decision, is left out. Set-based as `Source`."""

    def __call__(self, ids: Sequence[str], *, as_of: date) -> Mapping[str, FinalWord]: ...


FINALS: Registry[FinalSource] = Registry("source of final decisions by kind of subject")
SOURCES: Registry[Source] = Registry("source of outcomes by kind of subject")


def outcome_source(kind: str, source: Source) -> None:
    """Let `source` tell the outcomes of subjects of `kind`, such as "credit.application"."""
    SOURCES.register(kind, source)


def outcomes(subjects: Iterable[str], *, as_of: date, horizon_months: int = HORIZON_MONTHS, bad_dpd: int = BAD_DPD) -> dict[str, Outcome]:
    """Return how each of `subjects` ("credit.application:A-…", as in `Decision.subject`) turned out, as it had shown by `as_of`.

    Only what had happened by the end of `as_of` is looked at. Subjects no loan came of, and of kinds no app tells about, are left out:
    what was refused has no outcome. The number of queries is that of the kinds.

    :param horizon_months: for how many months from the day the money went out each is looked at
    :param bad_dpd: days past due from which one is bad
    :raises ValueError: unless both are above 0
    """
    if horizon_months < 1 or bad_dpd < 1:
        raise ValueError("A horizon has at least one month, and who is bad is late by at least one day.")
    found: dict[str, Outcome] = {}
    for kind, ids in _by_kind(subjects, SOURCES).items():
        told = SOURCES[kind](ids, as_of=as_of, horizon_months=horizon_months, bad_dpd=bad_dpd)
        found |= {f"{kind}:{about}": outcome for about, outcome in told.items()}
    return found


def final_source(kind: str, source: FinalSource) -> None:
    """Let `source` tell what was decided in the end about subjects of `kind`."""
    FINALS.register(kind, source)


def finals(subjects: Iterable[str], *, as_of: date) -> dict[str, FinalWord]:
    """Return what was decided about `subjects` by the end of `as_of`, by the engine or by a person; one query a kind."""
    found: dict[str, FinalWord] = {}
    for kind, ids in _by_kind(subjects, FINALS).items():
        found |= {f"{kind}:{about}": final for about, final in FINALS[kind](ids, as_of=as_of).items()}
    return found


def _by_kind(subjects: Iterable[str], known: Registry[Any]) -> dict[str, list[str]]:
    by_kind: dict[str, list[str]] = {}
    for subject in dict.fromkeys(subjects):
        kind, _colon, about = subject.partition(":")
        if about and kind in known:
            by_kind.setdefault(kind, []).append(about)
    return by_kind
