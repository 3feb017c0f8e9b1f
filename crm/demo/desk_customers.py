"""The officers' own work in the demonstration: relations, tasks of every kind, overdue ones, people named, look-alike files."""

from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from crm.demo.people import identity
from customers import activities, duplicates, handover, notes, profiles, relations
from customers.models import Activity, Customer, Handover, Relation
from governance.models import LegalEntity, User

SEED = 20_261_123
SERIAL = 77_000  # of the generated people who stand in relations, and of the look-alikes

# kind, days to the due day (negative: overdue), hour, what
PLANS = [
    ("call", -3, 10, "回电：客户询问提前结清的手续。"),
    ("task", -1, 16, "Collect the salary statement of the last three months."),
    ("visit", 0, 15, "上门核实经营场所，带上营业执照复印件清单。"),
    ("follow_up", 0, 17, "Ask whether the new employer has confirmed the contract."),
    ("call", 1, 11, "提醒客户下周一是还款日，确认卡内余额。"),
    ("task", 3, 18, "Check the new address against the utility bill."),
    ("follow_up", 6, 14, "三个月后回访，了解是否需要追加额度。"),
    ("visit", 9, 9, "走访单位，核实在职情况。"),
]
DONE = [
    ("call", "已说明费用和年化利率，客户表示清楚。"),
    ("visit", "Visited the shop: open, two employees, stock as stated."),
    ("call", "客户工资改为每月10日发放，已记录。"),
]
RELATIONS = [
    (Relation.Kind.GUARANTOR, Relation.Source.PERSON, Relation.Consent.GIVEN),
    (Relation.Kind.EMERGENCY, Relation.Source.CUSTOMER, Relation.Consent.NOT_ASKED),
    (Relation.Kind.FAMILY, Relation.Source.CUSTOMER, Relation.Consent.NOT_ASKED),
    (Relation.Kind.REFERRAL, Relation.Source.STAFF, Relation.Consent.GIVEN),
]


def fill(entity: LegalEntity, *, today: date) -> None:
    """Give each officer a believable day; `today` is the day one works in."""
    rng = Random(SEED)  # noqa: S311  a draw, no secret
    zone = ZoneInfo(entity.zone)

    def at(days: int, hour: int, minute: int = 0) -> datetime:
        return datetime.combine(today + timedelta(days=days), time(hour, minute), tzinfo=zone)

    staff = {user.username: user for user in User.objects.filter(team__legal_entity=entity).select_related("role", "team")}
    serial = SERIAL
    for name in ("officer", "officer2", "officer3"):
        officer = staff[name]
        mine = list(Customer.objects.filter(owner=officer, legal_entity=entity).select_related("branch").order_by("-pk")[:14])
        colleague = staff["officer2"] if name == "officer" else staff["officer"] if name == "officer2" else None
        for place, (kind, days, hour, text) in enumerate(PLANS[: max(0, len(mine))]):
            customer = mine[place % len(mine)]
            activities.plan(customer, kind=kind, text=text, due_at=at(days, hour), actor=officer, at=at(-6, 9, place))
        for place, (kind, text) in enumerate(DONE):
            activities.note_down(mine[place % len(mine)], kind=kind, text=text, actor=officer, at=at(-place - 1, 11, place * 7))
        if colleague is not None:
            asked = activities.plan(
                mine[0], kind="task", text=f"@{colleague.username} 请协助联系客户补签授权书。", due_at=at(2, 12), assignee=colleague,
                actor=officer, at=at(-1, 17),
            )  # fmt: skip
            if name == "officer2":
                activities.finish(asked, result="已补签，原件存档。", actor=colleague, at=at(0, 9, 30))
            notes.add(mine[1], text=f"@{colleague.username} 客户是您以前的老客户，介绍一下情况？", actor=officer, at=at(-1, 15))
        ended = activities.plan(
            mine[2 % len(mine)], kind="call", text="核对紧急联系人电话。", due_at=at(-2, 10), actor=officer, at=at(-5, 9)
        )
        activities.cancel(ended, result="客户已自行更新。", actor=officer, at=at(-3, 9))
        serial = _relations(mine, officer, serial=serial, at=at(-20, 10), rng=rng)
    notes.add(
        Customer.objects.filter(owner=staff["officer"]).order_by("-pk").first() or mine[0],
        text="@officer @supervisor 审批前请补充单位证明。", actor=staff["underwriter"], at=at(0, 9),
    )  # fmt: skip
    _look_alikes(staff["officer"], serial=serial, at=at(-2, 14), rng=rng)
    activities.tell_overdue(at=at(0, 8))
    hand_over(entity, staff, at=at(-1, 10))


def hand_over(entity: LegalEntity, staff: dict[str, User], *, at: datetime) -> None:
    """Let three customers who moved to Chengdu go to the officer there, with everything of theirs."""
    moved = Customer.objects.filter(owner=staff["officer2"], legal_entity=entity).order_by("pk")[:3]
    order = handover.order(
        ids=[customer.pk for customer in moved], taker=staff["officer3"], branch=staff["officer3"].team, reason=Handover.Reason.MOVED,
        note="客户已迁居成都。", actor=staff["admin"], at=at,
    )  # fmt: skip
    handover.run(order.pk, at=at)


def _relations(mine: list[Customer], officer: User, *, serial: int, at: datetime, rng: Random) -> int:
    """Give the first customers outside persons and each other; return the next serial."""
    for place, customer in enumerate(mine[:6]):
        for kind, source, consent in RELATIONS[: 1 + place % len(RELATIONS)]:
            person = identity(serial, age=40, branch="SH", on=at.date(), rng=rng)
            row = relations.add(
                customer, kind=kind, source=source, consent=consent, name=person.name, mobile=person.mobile, actor=officer, at=at
            )
            if kind == Relation.Kind.GUARANTOR and place % 2 == 0:
                relations.allow_contact(row, allowed=True, actor=officer, at=at)
            serial += 1
    if len(mine) > 7:
        relations.add(mine[0], kind=Relation.Kind.EMPLOYER, source=Relation.Source.DOCUMENT, other=mine[7], actor=officer, at=at)
    return serial


TWINS = {"明": "鸣", "伟": "玮", "芳": "坊", "丽": "莉", "强": "墙", "杰": "洁", "涛": "韬", "鹏": "朋", "宇": "雨", "华": "桦"}


def _look_alikes(officer: User, *, serial: int, at: datetime, rng: Random) -> None:
    """Open three files that may be a second one of a person: the same mobile, a similar name born on the same day, the same card."""
    rows = list(Customer.objects.filter(owner=officer).select_related("branch").order_by("pk")[:200])
    by_sound = next((row for row in rows if any(letter in row.name[1:] for letter in TWINS)), rows[0])
    for place, (known, shared) in enumerate(((rows[1], "mobile"), (by_sound, "name"), (rows[2], "bank_card"))):
        person = identity(serial + place, age=known.age(at.date()), branch="SH", on=at.date(), rng=rng)
        values: dict[str, Any] = {
            "name": person.name,
            "id_number": person.id_number,
            "mobile": person.mobile,
            "bank_card": person.bank_card,
        }
        if shared == "name":
            values["name"] = "".join(TWINS.get(letter, letter) for letter in known.name)
            values["id_number"] = _born_with(known, serial + place)
        else:
            values[shared] = getattr(known, shared)
        found = duplicates.look(values, user=officer, legal_entity_id=known.legal_entity_id)
        made = profiles.create(
            **values, address=person.address, employer=person.employer, income=known.income, branch=known.branch, actor=officer,
            at=at + timedelta(minutes=place), origin=Customer.Origin.GENERATED,
        )  # fmt: skip
        if found:
            reason = ("夫妻共用手机号，身份证已核对。", "同音不同字，身份证号不同，为两人。", "亲属代还，卡号相同，已核实。")[place]
            duplicates.overrule(made, found=found, reason=reason, actor=officer, at=at + timedelta(minutes=place))


def _born_with(known: Customer, serial: int) -> str:
    """Return another valid id number of an unassigned region with the birth date of `known`."""
    from stdnum.cn import ric

    body = f"99{serial // 1000 % 10_000:04d}{known.born_text}{serial % 1000:03d}"
    return body + ric.calc_check_digit(f"{body}0")


def filled() -> bool:
    """Say whether this part of the demonstration is there."""
    return Activity.objects.exists()
