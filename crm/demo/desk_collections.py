"""Collection work of the demonstration: calls and their results, promises in every state, callbacks due today.

Works on whatever overdue loans exist. Who keeps a promise is drawn from its place among all, so that a repeated load tells the same story.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from collection import calls, cases, checks, contacts, dispositions, gate, owed, promises, queues, scripts
from collection.judgement import Part
from collection.models import RUNNING, Case, Collector, PhoneCall, Promise, PromisePart
from credit import repayments
from credit.models import Loan
from crm.demo import refusals
from crm.lib.money import quantize
from customers import relations
from customers.contacts import NotNow
from customers.models import Relation
from governance.models import User

if TYPE_CHECKING:
    from crm.demo.play import House

OUTCOMES = (
    "no_answer", "no_answer", "no_answer", "busy", "right_party", "promise", "promise", "promise", "refused", "wrong_number",
    "hardship", "third_party", "callback", "dispute",
)  # fmt: skip
NOTES = ("已说明逾期金额和还款方式。", "客户称工资月底到账。", "Prefers a call after 18:00.", "客户确认金额，愿分两笔还。")
COLLECTORS = ("collector", "collector2")
A_DAY = 7


def work(house: House, day: date) -> None:
    """Let the collectors work the first cases of their queues on weekdays, and on the last day whatever day it is."""
    if day.weekday() >= 5 and day != house.today:
        return
    for place, name in enumerate(COLLECTORS):
        collector = house.staff[name]
        at = house.at(day, 10 + place, 5)
        for item in queues.upcoming(collector, at=at, limit=A_DAY):
            at += timedelta(minutes=9)
            if item.case.next_action == "letter" and item.case.next_action_on and item.case.next_action_on <= day:
                with refusals.told(house, item.case.public_id):
                    write(item.case, collector, day=day, at=at)
                continue
            if house.rng.random() < 0.25 or not gate.answer(item.case, channel="call", at=at + timedelta(minutes=4)).allowed:
                continue
            with refusals.told(house, item.case.public_id):
                call(item.case, collector, day=day, at=at, rng=house.rng, outcome=house.rng.choice(OUTCOMES))


def write(case: Case, collector: User, *, day: date, at: datetime) -> None:
    """Send the letter that was planned, as after a wrong number, and plan to try again when it has arrived."""
    case = cases.claim(case, actor=collector, at=at)
    contacts.log_contact(
        case, channel="letter", outcome="sent", note="", next_action="call", next_action_on=day + timedelta(days=5), actor=collector,
        at=at + timedelta(minutes=5),
    )  # fmt: skip


def tell(made: PhoneCall, *, outcome: str, at: datetime) -> None:
    """Let a call end as the telephone gateway would have told it."""
    if outcome in ("no_answer", "busy"):
        calls.heard(key=made.public_id, event=outcome, event_id=f"{made.public_id}:1", at=at + timedelta(seconds=30))
        return
    seconds = 40 + made.pk * 37 % 130  # not drawn: the story of the house stays as it was
    calls.heard(key=made.public_id, event="answered", event_id=f"{made.public_id}:1", at=at + timedelta(seconds=15))
    calls.heard(
        key=made.public_id, event="hung_up", event_id=f"{made.public_id}:2", at=at + timedelta(seconds=15 + seconds), seconds=seconds
    )


def call(case: Case, collector: User, *, day: date, at: datetime, rng: Random, outcome: str, soon: bool = False) -> None:
    """Take a case, confirm the person where the result needs it, and log how the call ended; `soon` promises are for the next day."""
    case = cases.claim(case, actor=collector, at=at)
    result = dispositions.result("call", outcome)
    assert result is not None
    with suppress(NotNow):  # what is logged below is asked for by itself
        tell(calls.place(case, actor=collector, at=at, key=f"demo:{case.pk}:{at.isoformat()}").call, outcome=outcome, at=at)
    if result.person:
        customer = case.customer
        answers = {"id_last4": customer.id_number[-4:], "birth_year": str(customer.born_on.year)}
        checks.confirm(case, answers=answers, actor=collector, at=at + timedelta(minutes=1))
        for script in scripts.live(case, [scripts.Party.UNKNOWN, scripts.Party.CONFIRMED]):
            for code in script.must:
                scripts.say(case, script=script, code=code, actor=collector, at=at + timedelta(minutes=2))
    elif outcome == "third_party":
        checks.third_party(case, actor=collector, at=at + timedelta(minutes=1))
    parts = promised(case, day=day, rng=rng, soon=soon) if result.promise else []
    if result.promise and not parts:
        outcome = "right_party"
    contacts.log_contact(
        case,
        channel="call",
        outcome=outcome,
        note="" if rng.random() < 0.5 else rng.choice(NOTES),
        next_action=result.next,
        next_action_on=parts[0].due_on + timedelta(days=2) if parts else day + timedelta(days=result.days),
        promise=parts,
        actor=collector,
        at=at + timedelta(minutes=4),
    )


def promised(case: Case, *, day: date, rng: Random, soon: bool = False) -> list[Part]:
    """Return what a customer promises: what is overdue or part of it, in one or two parts; nothing for a trifle."""
    found = owed.of_loans(Loan.objects.open().filter(customer=case.customer_id).order_by("pk"), on=day)
    due = sum((each.overdue for each in found), Decimal("0.00"))
    if due < 20:
        return []
    amount = quantize(due * rng.choice((Decimal("0.5"), Decimal(1), Decimal(1))))
    first = day + timedelta(days=1 if soon else rng.choice((2, 3, 4, 5)))
    if amount > 600 and rng.random() < 0.3:
        half = quantize(amount / 2)
        return [Part(first, half), Part(first + timedelta(days=7), amount - half)]
    return [Part(first, amount)]


def keep_promises(house: House, day: date) -> None:
    """Bring in what was promised for a day: five of ten pay all of it, two a part, the others nothing."""
    rows = PromisePart.objects.filter(due_on=day, promise__status__in=RUNNING).select_related("promise__case")
    for part in rows.order_by("pk"):
        # The how-manieth promise of the house it is, not its id: numbers that were drawn and given up must not change the story.
        draw = (Promise.objects.filter(pk__lt=part.promise_id).count() * 7 + part.seq - 1) % 10
        share = Decimal(1) if draw < 5 else Decimal("0.4") if draw < 7 else Decimal(0)
        if share:
            bring(part.promise.case, quantize(part.amount * share), house=house, day=day, key=f"demo-promise-{part.promise_id}-{part.seq}")


def bring(case: Case, amount: Decimal, *, house: House, day: date, key: str, hour: int = 16) -> None:
    """Pay an amount on the customer's loans, what is overdue first; a loan takes no more than ends it."""
    loans = Loan.objects.open().filter(customer=case.customer_id).select_related("legal_entity").order_by("-dpd", "pk")
    for each in owed.of_loans(loans, on=day):
        part = min(amount, max(each.overdue, Decimal("0.00")))
        if part > 0:
            at = house.at(day, hour, each.loan.pk % 60)
            repayments.receive(each.loan, amount=part, actor=house.staff["operations"], at=at, key=f"{key}-{each.loan.pk}")
            amount -= part


def last_day(house: House) -> None:
    """On the day the demonstration ends on: cases assigned, promises replaced and cancelled."""
    day, supervisor = house.today, house.staff["supervisor"]
    at = house.at(day, 17, 10)  # after the calls of the day
    for name in COLLECTORS:
        collector = house.staff[name]
        free = Case.objects.open().visible_to(collector).filter(claimed_by__isnull=True, assigned_to__isnull=True)
        for case in free.order_by("-bucket", "-overdue_amount", "pk")[:6]:
            with refusals.told(house, case.public_id):
                cases.assign(case, to=collector, version=case.version, actor=supervisor, at=at)
    running = Promise.objects.running().filter(first_due_on__gt=day).select_related("case__customer").order_by("pk")
    for place, promise in enumerate(list(running[:4])):
        if place % 2:
            with refusals.told(house, promise.case.public_id):
                promises.cancel(promise, reason=Promise.CancelReason.WITHDRAWN, actor=supervisor, at=at)
            continue
        collector = house.staff[COLLECTORS[0]]
        if promise.case.assigned_to_id in (None, collector.pk) and gate.answer(promise.case, channel="call", at=at).allowed:
            with refusals.told(house, promise.case.public_id):
                call(promise.case, collector, day=day, at=at, rng=house.rng, outcome="promise")
    promise_soon(house, day=day, at=at + timedelta(minutes=20))
    beside(house, day=day, at=at)


def promise_soon(house: House, *, day: date, at: datetime) -> None:
    """Let two customers promise to pay on the next day, the first on which somebody looks at the desk."""
    collector, left = house.staff[COLLECTORS[0]], 2
    for item in queues.upcoming(collector, at=at, limit=20):
        if left and item.case.overdue_amount >= 20 and gate.answer(item.case, channel="call", at=at).allowed:
            with refusals.told(house, item.case.public_id):
                call(item.case, collector, day=day, at=at, rng=house.rng, outcome="promise", soon=True)
                left -= 1
            at += timedelta(minutes=8)
    part_paid = Promise.objects.running().filter(first_due_on__gt=day).select_related("case").order_by("-first_due_on", "pk").first()
    if part_paid is not None:  # before its day, so that it still runs
        share = quantize(sum((part.amount for part in part_paid.parts.all()), Decimal("0.00")) * Decimal("0.4"))
        bring(part_paid.case, share, house=house, day=day, key=f"demo-part-{part_paid.public_id}", hour=19)


def beside(house: House, *, day: date, at: datetime) -> None:
    """Let one case wait, give a collector their languages, and let a guarantor stand beside a debtor and call in."""
    supervisor, collector = house.staff["supervisor"], house.staff[COLLECTORS[0]]
    Collector.objects.get_or_create(user=collector, defaults={"languages": ["zh-hans", "en"], "skills": [Collector.Skill.EARLY]})
    rows = list(Case.objects.in_work().visible_to(supervisor).filter(claimed_by__isnull=True).order_by("-dpd", "pk")[:3])
    if len(rows) > 1:
        with refusals.told(house, rows[1].public_id):
            cases.pause(rows[1], reason=Case.PauseReason.DISASTER, until=day + timedelta(days=10), actor=supervisor, at=at)
    officer = house.staff.get("officer")
    if rows and officer and not rows[0].customer.relations.filter(kind=Relation.Kind.GUARANTOR).exists():
        with refusals.told(house, rows[0].public_id):
            row = relations.add(
                rows[0].customer,
                kind=Relation.Kind.GUARANTOR,
                source=Relation.Source.DOCUMENT,
                consent=Relation.Consent.GIVEN,
                name="周敏",
                mobile="19900009071",
                actor=officer,
                at=at,
            )
            relations.allow_contact(row, allowed=True, actor=officer, at=at)
            later = at + timedelta(minutes=12)  # and calls in: heard, not counted, told as theirs
            worker = rows[0].assigned_to or supervisor
            held = cases.claim(rows[0], actor=worker, at=later)
            checks.confirm(held, answers={"name": "周敏", "mobile_last4": "9071"}, actor=worker, at=later, relation=row)
            for script in scripts.live(held, [scripts.Party.UNKNOWN, scripts.Party.OBLIGOR], relation=row):
                for code in script.must:
                    scripts.say(held, script=script, code=code, actor=worker, at=later)
            contacts.log_contact(
                held, channel="inbound", outcome="obligor_pays", next_action="call",
                next_action_on=day + timedelta(days=3), note="担保人来电，愿在本周内代为还款。", relation=row, actor=worker, at=later,
            )  # fmt: skip
