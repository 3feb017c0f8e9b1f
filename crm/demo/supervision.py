"""The supervisor's part of the demonstration: rules in force, a roster, absences, recorded and scored contacts, the plan of the morning."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from collection import absences, assignment_plans, capacity, quality, quality_seeds, reassignments, recordings, workers
from collection.models import AssignmentPlan, Case, Collector, Contact, QualityReview, Recording
from collection.models.case import Outcome
from governance.models import User

if TYPE_CHECKING:
    from crm.demo.play import House

HEARD = 24  # contacts of the last days that were recorded
SAID = ("您好，这里是信远消费金融，本次通话将被录音。请问是本人吗？", "您好，我们核对一下身份，请报一下身份证后四位。")
FLAGGED = {3: "再不还我就通知你单位，让你好看。", 6: "客户说要投诉到12378，要求减免罚息。"}
WAV = (
    b"RIFF\x24\x08\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x40\x1f\x00\x00\x01\x00\x08\x00data\x00\x08\x00\x00"
    + b"\x80" * 2048
)


def last_day(house: House) -> None:
    """Show the supervisor's part on the last day; played again it adds nothing."""
    if AssignmentPlan.objects.exists():
        return
    supervisor, at = house.staff["supervisor"], house.at(house.today, 17, 30)
    people = [house.staff[name] for name in ("collector", "collector2")]
    roster(people, supervisor, at)
    rules(house, supervisor, at)
    quality_seeds.seed()
    listen(house, at)
    judge(house, supervisor, at)
    absences.plan(
        people[1], since=house.today + timedelta(days=3), until=house.today + timedelta(days=7), reason="leave", deputy=people[0],
        today=house.today, actor=supervisor, at=at,
    )  # fmt: skip
    free = reassignments.look(
        asked={"whose": "nobody", "buckets": ["1"]}, people=people, to_team=None, by_rules=False, entity=house.entity, actor=supervisor, at=at
    ) if Case.objects.open().filter(assigned_to=None, bucket=1).exists() else None  # fmt: skip
    if free is not None:
        reassignments.begin(free, actor=supervisor, at=at)
        reassignments.run(free.pk, clock=lambda: at)
    capacity.make(house.entity, at=house.at(house.today, 8, 31))


def roster(people: Sequence[User], supervisor: User, at: Any) -> None:
    """Say what each collector can and carries."""
    said: tuple[dict[str, Any], ...] = (
        {"languages": ["zh-hans", "en"], "skills": ["early", "large"], "most_cases": 120, "daily_contacts": 45},
        {"languages": ["zh-hans"], "skills": ["late", "hardship"], "most_cases": 60, "daily_contacts": 30},
    )
    for person, values in zip(people, said, strict=True):
        row = Collector.objects.filter(user=person).first() or Collector(user=person)
        standing = {name: getattr(row, name) for name in workers.COLUMNS}
        workers.put(person, values=standing | values, version=None, actor=supervisor, at=at)


def rules(house: House, supervisor: User, at: Any) -> None:
    """Put the shipped rules in force, let a night run, and leave a draft that somebody thinks about."""
    plan = assignment_plans.draft(
        house.entity, why="By skill and by load · 按技能和在手量分案", actor=supervisor, at=at - timedelta(days=9)
    )
    assignment_plans.release(plan, version=plan.version, actor=supervisor, at=at - timedelta(days=9))
    run = assignment_plans.order_run(house.entity, actor=supervisor, at=at - timedelta(hours=12))
    assignment_plans.run(run.pk, clock=lambda: at - timedelta(hours=12))
    draft = assignment_plans.draft(
        house.entity,
        why="两万元起交受训人员 · Amounts from 20,000 to who is trained for them",
        actor=supervisor,
        at=at - timedelta(hours=1),
    )
    large = draft.rules.filter(skill="large").first()
    if large is not None:
        assignment_plans.put_rule(
            draft,
            rule=large,
            values={"name": large.name, "gives_to": "people", "amount_from": Decimal(20000)},
            version=None,
            actor=supervisor,
            at=at,
        )


def listen(house: House, at: Any) -> None:
    """Keep recordings of the last conversations; some hold words that raise a flag."""
    talks = Contact.objects.filter(channel="call", recordings=None).exclude(outcome__in=(Outcome.NO_ANSWER, Outcome.BUSY))
    rows = list(talks.select_related("case__legal_entity", "actor").order_by("-at", "-pk")[:HEARD])
    stored = recordings.store(WAV) if rows else None
    for place, contact in enumerate(rows):
        words = FLAGGED.get(place % 8, SAID[place % 2])
        recordings.keep(
            contact.case, reference=f"demo-{contact.public_id}", seconds=40 + place * 7 % 180, actor=contact.actor, at=contact.at, contact=contact,
            attempt=contact.attempt, stored=stored if place == 0 else None, transcript=words,
        )  # fmt: skip
        quality.scan(contact, at=contact.at + timedelta(minutes=2))


def judge(house: House, supervisor: User, at: Any) -> None:
    """Draw a sample, score most of it, let a collector reply, and score one a second time."""
    if not Recording.objects.exists():
        return
    try:
        drawn = quality.draw(
            house.entity,
            since=house.today - timedelta(days=14),
            until=house.today,
            each=4,
            seed=house.today.isoformat(),
            actor=supervisor,
            at=at,
        )
    except quality.NothingToDraw:
        return
    form = quality.current()
    assert form is not None
    codes = [each["code"] for each in form.questions]
    for place, review in enumerate(drawn[: max(len(drawn) - 3, 1)]):
        answers = dict.fromkeys(codes, "yes") | {codes[-1 - place % 4]: "no", codes[6]: "na"}
        if review.drawn == QualityReview.Drawn.FLAG and place % 2:
            answers["tone"] = "no"
        quality.score(
            review, answers=answers, note="语气可以更平和。" if place % 3 == 0 else "", actor=supervisor, at=at + timedelta(minutes=place)
        )
    scored = QualityReview.objects.filter(status="scored").select_related("contact__actor").order_by("pk").first()
    if scored is not None:
        quality.reply(scored, words="客户当时情绪激动，已在备注说明。", actor=scored.contact.actor, at=at + timedelta(hours=1))
        second = quality.second(scored, actor=supervisor, at=at + timedelta(hours=1))
        quality.score(second, answers=dict.fromkeys(codes, "yes"), note="", actor=house.staff["compliance"], at=at + timedelta(hours=2))
