"""Doors of limits proposed from the behaviour score: propose, decide, note what became of it. Nothing here changes a limit."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import Invalid
from governance.lifecycle import move
from ledger import log
from risk import limit_source
from risk.behaviour_rules import Held
from risk.limit_source import OpenLine
from risk.models import BehaviourScore, LimitProposal

Status, Direction = LimitProposal.Status, LimitProposal.Direction
STEP = Decimal(100)


class NoConsent(Invalid):
    """A limit is raised only with the customer's consent."""

    code = "no_consent"


def proposed(line: OpenLine, score: BehaviourScore, held: Held) -> Decimal | None:
    """Return the limit a line should have by its holder's score, in whole hundreds; None where it should stay.

    Lower: the likely bad keep what they use and a part of what they do not. Higher: the good who are not late and have been here long
    enough, never above what the product gives.
    """
    if score.pd >= held.lower_pd:
        wanted = _hundreds(max(line.limit * (1 - held.lower_share), _up(line.used)))
        return wanted if 0 < wanted < line.limit else None
    months = int(score.features.get("months_on_book") or 0)
    if score.pd <= held.raise_pd and not line.late and months >= held.raise_months:
        wanted = min(_hundreds(line.limit * (1 + held.raise_share)), line.most)
        return wanted if wanted > line.limit else None
    return None


def _hundreds(amount: Decimal) -> Decimal:
    return (amount / STEP).to_integral_value(rounding=ROUND_DOWN) * STEP


def _up(amount: Decimal) -> Decimal:
    return -_hundreds(-amount) if amount % STEP == 0 else _hundreds(amount) + STEP


def propose(scores: Mapping[int, BehaviourScore], *, held: Held, actor: Any, at: datetime) -> list[LimitProposal]:
    """Propose limits for the lines of those scored, by customer; what stood open and no longer fits lapses.

    Two statements read; each proposal made or lapsed has its entry.
    """
    lines = {line.line: line for line in limit_source.lines(list(scores))}
    standing = {one.line: one for one in LimitProposal.objects.filter(customer__in=list(scores), status=Status.OPEN)}
    made = []
    for name, line in lines.items():
        score = scores[line.customer_id]
        wanted, stands = proposed(line, score, held), standing.pop(name, None)
        if stands is not None and (wanted, line.limit) == (stands.limit_proposed, stands.limit_now):
            continue
        if stands is not None:
            move(stands, Status.LAPSED, actor=actor, at=at)
        if wanted is not None and (one := _make(line, score, wanted, actor=actor, at=at)):
            made.append(one)
    for gone in standing.values():
        move(gone, Status.LAPSED, actor=actor, at=at)
    return made


def _make(line: OpenLine, score: BehaviourScore, wanted: Decimal, *, actor: Any, at: datetime) -> LimitProposal | None:
    made = LimitProposal(
        customer_id=line.customer_id, line=line.line, score=score, direction=Direction.UP if wanted > line.limit else Direction.DOWN,
        limit_now=line.limit, limit_proposed=wanted, made_at=at,
    )  # fmt: skip
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError:  # another worker was faster: one stands
        return None
    log.record(
        "risk.limitproposal.made", made, actor=actor, at=at, proposal=made.public_id, line=made.line, direction=made.direction,
        limit_now=made.limit_now, limit_proposed=made.limit_proposed,
    )  # fmt: skip
    return made


@transaction.atomic
def approve(
    proposal: LimitProposal, *, actor: Any, at: datetime, consent_on: date | None = None, consent_channel: str = ""
) -> LimitProposal:
    """Approve a proposed limit; the app of lines hears of it and acts, for a higher one through its second person.

    :raises NoConsent: for a higher limit without the day and the way of the customer's consent, or with a day to come
    :raises IllegalMove: if it is decided already
    :raises MovedMeanwhile: if somebody else was faster
    """
    if proposal.direction == Direction.UP:
        if consent_on is None or consent_on > at.date() or consent_channel not in LimitProposal.Channel:
            sentence = _("A higher limit needs the customer's consent: say when and how it was given.")
            raise NoConsent(sentence, fields={"consent_on": sentence})
    else:
        consent_on, consent_channel = None, ""
    facts = {"line": proposal.line, "direction": proposal.direction, "limit_proposed": proposal.limit_proposed}
    return move(
        proposal, Status.APPROVED, actor=actor, at=at, facts=facts, decided_by=actor, decided_at=at, consent_on=consent_on,
        consent_channel=consent_channel,
    )  # fmt: skip


@transaction.atomic
def refuse(proposal: LimitProposal, *, actor: Any, at: datetime) -> LimitProposal:
    """Refuse a proposed limit: the line stays as it is.

    :raises IllegalMove: if it is decided already
    :raises MovedMeanwhile: if somebody else was faster
    """
    return move(proposal, Status.REFUSED, actor=actor, at=at, facts={"line": proposal.line}, decided_by=actor, decided_at=at)


def answer(proposal: LimitProposal, *, done: bool, outcome: str, at: datetime) -> LimitProposal:
    """Note what the app of lines answered: done, put before a second person, or the code of its refusal."""
    to = Status.DONE if done else Status.FAILED
    return move(proposal, to, actor=proposal.decided_by, at=at, facts={"line": proposal.line, "outcome": outcome}, outcome=outcome[:60])


def latest(customer_ids: Iterable[int]) -> dict[int, BehaviourScore]:
    """Return the newest score by the live behaviour model of each customer that has one; one query."""
    of_live = {"scorecard_version__scorecard__code": "behaviour", "scorecard_version__status": "live"}
    rows = (
        BehaviourScore.objects.filter(customer__in=list(customer_ids), **of_live).order_by("customer", "-as_of", "-pk").distinct("customer")
    )
    return {row.customer_id: row for row in rows}
