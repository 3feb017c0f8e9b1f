"""The contact policy of the demonstration: refusals, hours agreed with a customer, a complaint, a draft with its replay and one that waits."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import TYPE_CHECKING, Any

from collection import contact_rules, gate, replays
from collection.models import Case, PolicyDraft
from crm.demo import refusals
from crm.demo.desk_collections import COLLECTORS, call
from customers import contact_gate, contact_windows, contacts

if TYPE_CHECKING:
    from crm.demo.play import House

CALMER: dict[str, Any] = {
    "contact.own_hours": {"opens": "09:00", "closes": "20:00"},
    "contact.calls_per_day": 1,
    "contact.calls_per_week": 3,
}
QUIETER: dict[str, Any] = {"contact.own_quiet_days": 2, "contact.messages_per_week": 4}


def play(house: House) -> None:
    """Show what the policy does, on the day the demonstration ends on; played again it adds nothing."""
    if PolicyDraft.objects.exists():
        return
    day, supervisor = house.today, house.staff["supervisor"]
    cases = list(Case.objects.open().select_related("customer__legal_entity").order_by("pk")[:40])
    refused(cases[:6], house=house, day=day)
    if cases:
        contact_windows.agree(
            cases[0].customer, kind="agreed", opens=time(22), closes=time(23), since=day, source="recording",
            evidence="通话录音，客户称夜班后方便接听", actor=supervisor, at=house.at(day, 15, 5),
        )  # fmt: skip
    complaint(cases[1:], house=house, day=day)
    at = house.at(day, 17, 40)
    first = drafted("晚间少打扰，每日一通 · Calmer evenings, one call a day", CALMER, day=day, house=house)
    replay = replays.start(first, entity=house.entity, since=day - timedelta(days=replays.QUARTER), until=day, actor=supervisor, at=at)
    replays.run(replay.pk, clock=lambda: at)
    second = drafted("通话后静默两天 · Two quiet days after a talk", QUIETER, day=day, house=house)
    contact_rules.propose(second, reason="Fewer calls after a talk: people keep what they promised.", actor=supervisor, at=at)


def drafted(title: str, values: dict[str, Any], *, day: date, house: House) -> PolicyDraft:
    wanted = contact_rules.standing() | values
    return contact_rules.draft(
        title=title, values=wanted, since=day + timedelta(days=14), actor=house.staff["supervisor"], at=house.at(day, 17, 30)
    )


def refused(cases: list[Case], *, house: House, day: date) -> None:
    """Let collectors ask too late in the evening before: each is told from when."""
    late = house.at(day - timedelta(days=1), 22, 10)
    for place, case in enumerate(cases):
        one = contacts.judged(case.customer, "call", late + timedelta(minutes=place))
        contact_gate.keep(one, actor=house.staff[COLLECTORS[place % 2]], subject=case.public_id)


def complaint(cases: list[Case], *, house: House, day: date) -> None:
    """Let one customer complain about being called."""
    at, collector = house.at(day, 16, 30), house.staff[COLLECTORS[0]]
    for case in (
        Case.objects.in_work().visible_to(collector).filter(pk__in=[case.pk for case in cases], claimed_by__isnull=True).order_by("pk")
    ):
        if case.assigned_to_id in (None, collector.pk) and gate.answer(case, channel="call", at=at + timedelta(minutes=4)).allowed:
            with refusals.told(house, case.public_id):
                call(case, collector, day=day, at=at, rng=house.rng, outcome="complaint")
                return
