"""The capacity plan of a morning: contacts the coming days need, against what the people present make; and the cases expected to roll.

*Needed* on a day is each case once that has on it a planned action, a part of a promise due, or a call of its treatment; what was due
before today counts today. Cases without any plan are to be reached once in `collections.queue.silent_days` days, so a share of them
counts on each day; each case expected to roll, or to open anew, counts on its day too.

*Capacity* of a day is the sum of the daily contacts of those on the roster who work that day of the week and are not away. On a day of the
week on which nobody of the roster works, nothing is needed: its contacts count on the next day somebody does. Where those who would work are
all away, the day is short.

*Rolling*: a case of bucket b crosses into the next one on a known day unless it is paid: that is when its days past due pass 30 x b. How many
do is read from the house's own history: of the loans that stood in b at a month's end, the share that stood in a graver bucket, or was
written off, at the next (`LoanSnapshot`, the last six pairs of month-ends). The chance that a case does not pay in the k days until it crosses
is that rate to the power k/30: an even chance of being paid on each day. New cases of M1 are the instalments due on the day before x the rate
of M0. Where a bucket has under 30 loans in that history, all late buckets together stand for it, and the plan says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Count, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from collection import absences, permissions
from collection.models import CapacityDay, Case, Collector, Promise, PromisePart, TreatmentEntry, TreatmentStep
from collection.places import silent_days
from credit import books
from credit.accrual import LAST_BUCKET
from credit.models import Installment, Loan, LoanSnapshot
from governance import users
from governance.models import LegalEntity
from ledger import log

HORIZON = 7  # days ahead, today included
MONTHS = 6  # pairs of month-ends of history
FEWEST = 30  # loans of a bucket in the history, below which all late ones together stand for it
FEWEST_LATE = 10  # late loans in the history, below which it says nothing
BUCKET_DAYS = 30
MAKE_AT = time(8, 30)
TENTH, NOTHING = Decimal("0.1"), Decimal(0)

NEEDED = f"""
WITH mine AS (
    SELECT id, next_action_on FROM {Case._meta.db_table} WHERE legal_entity_id = %(entity)s AND status IN ('open', 'worked')
), due AS (
    SELECT id AS case_id, GREATEST(next_action_on, %(on)s) AS day, 'action' AS why FROM mine WHERE next_action_on <= %(last)s
    UNION ALL
    SELECT p.case_id, GREATEST(part.due_on, %(on)s), 'promise' FROM {PromisePart._meta.db_table} part
    JOIN {Promise._meta.db_table} p ON p.id = part.promise_id AND p.status IN ('open', 'partial') JOIN mine ON mine.id = p.case_id
    WHERE part.due_on BETWEEN %(on)s AND %(last)s
    UNION ALL
    SELECT e.case_id, GREATEST((s.due_at AT TIME ZONE %(zone)s)::date, %(on)s), 'treatment' FROM {TreatmentStep._meta.db_table} s
    JOIN {TreatmentEntry._meta.db_table} e ON e.id = s.entry_id AND e.status = 'running' JOIN mine ON mine.id = e.case_id
    WHERE s.status = 'planned' AND s.action = 'call' AND s.due_at < %(end)s
), once AS (SELECT case_id, day, min(why) AS why FROM due GROUP BY case_id, day)
SELECT day, why, count(*) FROM once GROUP BY day, why
"""  # noqa: S608  names of our own tables
ROLLED = f"""
SELECT a.bucket, count(*), count(*) FILTER (WHERE b.bucket > a.bucket OR (b.loan_id IS NULL AND l.status = 'written_off'))
FROM {LoanSnapshot._meta.db_table} a JOIN {Loan._meta.db_table} l ON l.id = a.loan_id
LEFT JOIN {LoanSnapshot._meta.db_table} b ON b.loan_id = a.loan_id AND b.month = (date_trunc('month', a.month) + interval '2 months - 1 day')::date
WHERE a.legal_entity_id = %(entity)s AND a.month = ANY(%(months)s) AND a.bucket < %(last)s GROUP BY a.bucket
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Rate:
    """The share of a bucket's loans that rolled in a month of history; `own` is False where all late buckets stand for it."""

    rate: Decimal
    loans: int
    own: bool


def rates(entity: LegalEntity, *, on: date) -> dict[int, Rate]:
    """Return the monthly roll rate of each bucket from the house's own history; empty where there is none."""
    months = list(
        LoanSnapshot.objects.filter(legal_entity=entity, month__lt=on)
        .order_by("-month")
        .values_list("month", flat=True)
        .distinct()[: MONTHS + 1]
    )
    if len(months) < 2:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(ROLLED, {"entity": entity.pk, "months": months[1:], "last": LAST_BUCKET})
        rows = {bucket: (loans, rolled) for bucket, loans, rolled in cursor.fetchall()}
    return pooled(rows)


def pooled(rows: Mapping[int, tuple[int, int]]) -> dict[int, Rate]:
    """Return a rate for each bucket below the last; a late one with too few loans gets that of all late ones together."""
    late = [row for bucket, row in rows.items() if bucket > 0]
    loans, rolled = sum(row[0] for row in late), sum(row[1] for row in late)
    whole = Decimal(rolled) / loans if loans else NOTHING
    found: dict[int, Rate] = {}
    for bucket in range(LAST_BUCKET):
        seen, gone = rows.get(bucket, (0, 0))
        if bucket == 0 and seen:
            found[0] = Rate(Decimal(gone) / seen, seen, True)
        elif bucket and seen >= FEWEST:
            found[bucket] = Rate(Decimal(gone) / seen, seen, True)
        elif bucket and loans >= FEWEST_LATE:
            found[bucket] = Rate(whole, loans, False)
    return found


def chance(rate: Decimal, days: int) -> Decimal:
    """Return the chance that a case is not paid in the `days` until it crosses, from the rate of a month."""
    if rate <= 0 or days <= 0:
        return NOTHING if rate <= 0 else Decimal(1)
    return rate ** (Decimal(days) / BUCKET_DAYS)


def crossing(entity: LegalEntity) -> dict[tuple[int, int], tuple[int, Decimal]]:
    """Return number and overdue amount of open cases by bucket and the days until they cross into the next one."""
    rows = Case.objects.open().filter(legal_entity=entity, bucket__gte=1, bucket__lt=LAST_BUCKET).order_by()
    found: dict[tuple[int, int], tuple[int, Decimal]] = {}
    for bucket, dpd, number, amount in rows.values_list("bucket", "dpd").annotate(n=Count("pk"), sum=Sum("overdue_amount")):
        left = BUCKET_DAYS * bucket + 1 - dpd
        if 0 < left <= HORIZON:
            was = found.get((bucket, left), (0, NOTHING))
            found[bucket, left] = (was[0] + number, was[1] + amount)
    return found


def rolls(entity: LegalEntity, *, on: date) -> list[dict[str, Any]]:
    """Return the cases expected to roll out of each bucket, by day from tomorrow on; M0 are new cases."""
    known, standing = rates(entity, on=on), crossing(entity)
    sizes = dict(Case.objects.open().filter(legal_entity=entity).order_by().values_list("bucket").annotate(n=Count("pk")))
    due = due_by_day(entity, on=on)
    lines = []
    for bucket in range(LAST_BUCKET):
        rate = known.get(bucket)
        if rate is None:
            continue
        days = []
        for ahead in range(1, HORIZON + 1):
            if bucket == 0:
                expected = rate.rate * due.get(on + timedelta(days=ahead - 1), 0)
            else:
                expected = chance(rate.rate, ahead) * standing.get((bucket, ahead), (0, NOTHING))[0]
            days.append(expected)
        amount = sum((sum_ for (stage, _left), (_n, sum_) in standing.items() if stage == bucket), NOTHING)
        lines.append(
            {
                "bucket": bucket, "cases": sizes.get(bucket, 0), "rate": str(rate.rate.quantize(Decimal("0.0001"))), "loans": rate.loans,
                "own": rate.own, "days": [str(each.quantize(TENTH, rounding=ROUND_HALF_UP)) for each in days],
                "whole": str(sum(days, NOTHING).quantize(TENTH, rounding=ROUND_HALF_UP)), "at_line": str(amount),
            }
        )  # fmt: skip
    return lines


def due_by_day(entity: LegalEntity, *, on: date) -> dict[date, int]:
    """Return how many instalments of loans that are not late fall due on each coming day."""
    rows = Installment.objects.filter(
        loan__legal_entity=entity, loan__status=Loan.Status.OPEN, loan__dpd=0, due_on__gte=on, due_on__lt=on + timedelta(days=HORIZON)
    )
    return dict(rows.exclude(status="paid").order_by().values_list("due_on").annotate(n=Count("loan", distinct=True)))


def needed(entity: LegalEntity, *, on: date) -> dict[date, dict[str, int]]:
    """Return how many cases need a contact on each coming day, by the first of the reasons; a case counts once a day."""
    last = on + timedelta(days=HORIZON - 1)
    end = datetime.combine(last + timedelta(days=1), time.min, tzinfo=ZoneInfo(entity.zone))
    found: dict[date, dict[str, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(NEEDED, {"entity": entity.pk, "on": on, "last": last, "end": end, "zone": entity.zone})
        for day, why, number in cursor.fetchall():
            found.setdefault(day, {})[why] = number
    return found


def unplanned(entity: LegalEntity) -> int:
    """Return how many cases in work have no plan of their own: no action, no running promise, no call of a treatment."""
    rows = Case.objects.in_work().filter(legal_entity=entity, next_action_on__isnull=True)
    rows = rows.exclude(promises__status__in=("open", "partial"))
    called = TreatmentStep.objects.filter(status="planned", action="call", entry__status="running").values("entry__case")
    return rows.exclude(pk__in=called).count()


def present(entity: LegalEntity, *, on: date) -> dict[date, tuple[int, int, bool]]:
    """Return for each coming day how many people work, how many contacts they make together, and whether it is a day off for the whole roster."""
    rows = list(
        Collector.objects.filter(
            user__is_active=True, user__role__permissions__contains=[permissions.CLAIM], user__team__legal_entity=entity
        ).values_list("user", "daily_contacts", "workdays")
    )
    last = on + timedelta(days=HORIZON - 1)
    away = absences.away_between(entity, on, last)
    found = {}
    for day in absences.days(on, last):
        there = [daily for person, daily, workdays in rows if day.weekday() in workdays and person not in away.get(day, set())]
        found[day] = (len(there), sum(there), bool(rows) and not any(day.weekday() in workdays for _person, _daily, workdays in rows))
    return found


def reckon(entity: LegalEntity, *, on: date) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the days of the plan and the rolls of the buckets, as JSON keeps them."""
    wanted, there, moving = needed(entity, on=on), present(entity, on=on), rolls(entity, on=on)
    idle = unplanned(entity)
    share, rest = divmod(idle, max(silent_days(on), 1))
    lines, carried = [], 0
    for ahead, day in enumerate(absences.days(on, on + timedelta(days=HORIZON - 1))):
        parts = {name: wanted.get(day, {}).get(name, 0) for name in ("action", "promise", "treatment")}
        parts["unplanned"] = share + (ahead < rest)
        expected = sum((Decimal(row["days"][ahead - 1]) for row in moving), NOTHING) if ahead else NOTHING
        parts["rolls"] = int(expected.to_integral_value(rounding=ROUND_HALF_UP))
        people, contacts, off = there[day]
        parts["carried"] = carried
        whole = sum(parts.values())
        carried, needs = (whole, 0) if off else (0, whole)
        lines.append(
            {
                "day": day.isoformat(), **parts, "off": off, "needed": needs, "people": people, "capacity": contacts,
                "short": max(needs - contacts, 0),
            }
        )  # fmt: skip
    return lines, moving


@transaction.atomic
def make(entity: LegalEntity, *, at: datetime, actor: Any = None) -> CapacityDay:
    """Make the plan of today, or make it anew."""
    on = books.value_day(entity, at)
    days, moving = reckon(entity, on=on)
    row, _made = CapacityDay.objects.update_or_create(legal_entity=entity, on=on, defaults={"days": days, "rolls": moving, "made_at": at})
    log.record(
        "collections.capacity.planned", row, actor=actor or users.system(), at=at, on=on, needed=days[0]["needed"], capacity=days[0]["capacity"],
        short=sum(day["short"] for day in days),
    )  # fmt: skip
    return row


def make_due(entity: LegalEntity, *, at: datetime) -> CapacityDay | None:
    """Make the plan once a day, from half past eight by the lender's clock."""
    there = at.astimezone(ZoneInfo(entity.zone))
    if there.time() < MAKE_AT or CapacityDay.objects.filter(legal_entity=entity, on=books.value_day(entity, at)).exists():
        return None
    return make(entity, at=at)


def latest(entity: LegalEntity) -> CapacityDay | None:
    return CapacityDay.objects.filter(legal_entity=entity).order_by("-on").first()


# --- what can be done ----------------------------------------------------------------------------------------------
def proposals(row: CapacityDay) -> list[str]:
    """Return what would close the shortage, each with its figure; empty where nothing is short."""
    days = row.days
    short = [day for day in days if day["short"]]
    if not short:
        return []
    found = []
    worst = max(short, key=lambda day: day["short"])
    each = max((day["capacity"] // day["people"] for day in days if day["people"]), default=0)
    if each:
        people = -(-worst["short"] // each)
        words = {"n": people, "day": worst["day"], "each": each}
        found.append(ngettext(
            "Bring %(n)s more person on %(day)s, at %(each)s contacts a day", "Bring %(n)s more people on %(day)s, at %(each)s contacts a day", people
        ) % words)  # fmt: skip
    spare = [day for day in days if day["capacity"] > day["needed"]]
    if spare and worst["action"]:
        best = max(spare, key=lambda day: day["capacity"] - day["needed"])
        moved = min(best["capacity"] - best["needed"], worst["action"], worst["short"])
        words = {"n": moved, "day": worst["day"], "to": best["day"]}
        found.append(ngettext(
            "Plan %(n)s action of %(day)s for %(to)s, where people have room", "Plan %(n)s actions of %(day)s for %(to)s, where people have room", moved
        ) % words)  # fmt: skip
    if worst["treatment"]:
        words = {"n": min(worst["treatment"], worst["short"]), "day": worst["day"]}
        found.append(ngettext(
            "Let the treatment write instead of call in the early buckets: up to %(n)s call less on %(day)s",
            "Let the treatment write instead of call in the early buckets: up to %(n)s calls less on %(day)s", words["n"],
        ) % words)  # fmt: skip
    if worst["unplanned"]:
        words = {"n": worst["unplanned"], "day": worst["day"]}
        found.append(ngettext(
            "Leave the cases without a plan to the treatment on %(day)s: %(n)s contact less",
            "Leave the cases without a plan to the treatment on %(day)s: %(n)s contacts less", words["n"],
        ) % words)  # fmt: skip
    if all(day["short"] for day in days):
        found.append(_("Every day is short: let the assignment rules send late buckets to an agency, or raise what each person carries"))
    return found
