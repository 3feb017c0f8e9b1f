"""Reminders of instalments: planned as sets from the due dates, once for ever per instalment, kind and channel.

The plan is data: `reminder.days` (days from the due date), `reminder.channels`, `reminder.hour`; a product may have its own days under
`reminder.days.<code>`. What a message says is read when it is sent, so that nobody is reminded of what is paid, or of a wrong amount.
"""

import time as clock
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from psycopg2.extras import execute_values

from credit import contract_terms
from credit.books import local_day
from credit.models import Installment, Loan, Product, Reminder, ReminderPartition, ReminderRun
from credit.state import REST
from crm.lib.templatetags.crm import long_day, spoken
from customers import contact_packs, message_ways, messages, send_times, templates
from customers.models import Message, MessageChannel, MessagePurpose
from governance import rules, users
from governance.lifecycle import move
from governance.models import LegalEntity, Rule

DAYS, CHANNELS, HOUR = "reminder.days", "reminder.channels", "reminder.hour"
SHARD = 500_000  # open loans to a partition: each looks through all that falls due, so few are better than many
PRIORITY = 9

SAMPLES: Mapping[str, tuple[str, str]] = {
    "amount": ("CNY 1,100.16", "¥1,100.16"),
    "due_on": ("1 Dec 2026", "2026年12月1日"),
    "lender": ("Xinyuan Consumer Finance", "信远消费金融"),
}
BEFORE = templates.declare("reminder.before", label=_("Reminder before the due date"), purpose=MessagePurpose.REMINDER, samples=SAMPLES)
DUE = templates.declare("reminder.due", label=_("Reminder on the due date"), purpose=MessagePurpose.REMINDER, samples=SAMPLES)
LATE = templates.declare("reminder.late", label=_("Reminder after the due date"), purpose=MessagePurpose.REMINDER, samples=SAMPLES)
STATEMENT = templates.declare("line.statement", label=_("Statement of a revolving line"), purpose=MessagePurpose.REMINDER, samples=SAMPLES)
MADE_KIND = "ST"

# Three statements plan one partition. `plan` says for product, kind and channel which words; the lowest instalment names a message.
# A table of its own for what is fresh: the planner has to know how much there is, or it joins thousands with thousands row by row.
# For the same reason the shard is told by a CASE: of `x % n = m` the planner expects one row in two hundred, of a CASE every second.
FRESH = """
CREATE TEMPORARY TABLE fresh_reminder ON COMMIT DROP AS
WITH plan (product_id, kind, due_on, channel, template_id) AS (VALUES {plan}
), unpaid AS MATERIALIZED (
    SELECT id, loan_id, due_on FROM credit_installment WHERE due_on = ANY (%(days)s) AND status <> 'paid' AND seq <> {rest}
), due AS MATERIALIZED (
    SELECT unpaid.id AS installment_id, unpaid.due_on, l.product_id, l.customer_id
    FROM unpaid JOIN credit_loan AS l ON l.id = unpaid.loan_id
    WHERE l.status = 'open' AND l.legal_entity_id = %(entity)s AND CASE WHEN l.customer_id %% %(shards)s = %(number)s THEN true ELSE false END
), people AS MATERIALIZED (
    SELECT due.*, c.email IS NOT NULL AS has_email,
        coalesce(nullif(c.zone, ''), %(zone)s) AS zone, {minute} AS minute
    FROM due JOIN customers_customer AS c ON c.id = due.customer_id
)
SELECT p.installment_id, p.customer_id, plan.kind, plan.channel, plan.template_id, p.zone,
    (%(day)s + %(hour)s + make_interval(mins => p.minute)) AT TIME ZONE p.zone AS due_at,
    min(p.installment_id) OVER (PARTITION BY p.customer_id, plan.kind, plan.channel) AS leader
FROM people AS p
JOIN plan ON plan.product_id = p.product_id AND plan.due_on = p.due_on
WHERE (plan.channel = 'sms' OR p.has_email)
    AND NOT EXISTS (
        SELECT FROM credit_reminder AS r
        WHERE r.installment_id = p.installment_id AND r.kind = plan.kind AND r.channel = plan.channel)
"""
# Of whom the best hour is known is written to within it, if it lies in the hours of contact.
BEST = """
UPDATE fresh_reminder AS f SET due_at = ({day} + make_interval(hours => v.hour, mins => {minute})) AT TIME ZONE f.zone
FROM (VALUES %s) AS v (id, hour) WHERE f.customer_id = v.id
"""
MADE = """
INSERT INTO customers_message
    (public_id, seal_key, customer_id, template_id, channel, purpose, key, status, priority, planned_at, due_at)
SELECT 'MS-' || upper(right(replace(gen_random_uuid()::text, '-', ''), 13)), gen_random_uuid(), f.customer_id, f.template_id, f.channel,
    'reminder', 'reminder:' || f.kind || ':' || f.channel || ':' || f.leader, 'planned', %(priority)s, %(at)s, greatest(f.due_at, %(at)s)
FROM fresh_reminder AS f WHERE f.installment_id = f.leader
ON CONFLICT (key) DO NOTHING
"""
KEPT = """
INSERT INTO credit_reminder (installment_id, kind, channel, message_id)
SELECT f.installment_id, f.kind, f.channel, m.id FROM fresh_reminder AS f JOIN customers_message AS m
    ON m.key = 'reminder:' || f.kind || ':' || f.channel || ':' || f.leader
"""


def kind_of(days: int) -> str:
    """Return the name of a distance from the due date: T-3, T0, T+1."""
    return f"T{days:+d}" if days else "T0"


def words_for(days: int) -> str:
    """Return the kind of message that a distance from the due date takes."""
    return BEFORE if days < 0 else LATE if days > 0 else DUE


def days_for(product: Product, *, on: date) -> list[int]:
    """Return the days from the due date on which borrowers of a product are reminded: its own rule, else the house's.

    :raises NoRule: if none holds
    """
    own = f"{DAYS}.{product.code}"
    code = own if Rule.objects.filter(code=own, effective_from__lte=on).exists() else DAYS
    return [int(day) for day in rules.value(code, on=on)]


def plan_rows(entity: LegalEntity, *, on: date) -> list[tuple[int, str, date, str, int]]:
    """Return (product, kind, due date, channel, template) for a business date: reminders, and the statements that were just made.

    :raises NoTemplate: if words are missing for a channel of the plan
    :raises NoRule: if the plan is no rule
    """
    channels = [channel for channel in rules.value(CHANNELS, on=on) if channel in MessageChannel.values]
    found = []
    for product in Product.objects.filter(legal_entity=entity).order_by("pk"):
        for days in days_for(product, on=on):
            for channel in channels:
                template = templates.live(words_for(days), channel)
                found.append((product.pk, kind_of(days), on - timedelta(days=days), channel, template.pk))
        if product.method == Product.Method.REVOLVING:  # the close of the day before made the statements that fall due so much later
            due_on = on + timedelta(days=contract_terms.said(product, "statement_due_days") - 1)
            found += [(product.pk, MADE_KIND, due_on, channel, templates.live(STATEMENT, channel).pk) for channel in channels]
    return found


@transaction.atomic
def plan(entity: LegalEntity, business_date: date, *, at: datetime, shard: int = SHARD) -> ReminderRun:
    """Start planning the reminders of a business date, cut into partitions; the run that exists is returned as it is."""
    LegalEntity.objects.select_for_update(no_key=True).get(pk=entity.pk)
    run = ReminderRun.objects.filter(legal_entity=entity, business_date=business_date).first()
    if run is not None:
        return run
    shards = max(1, -(-Loan.objects.open().filter(legal_entity=entity).count() // shard))
    run = ReminderRun.objects.create(legal_entity=entity, business_date=business_date, shards=shards, started_at=at)
    ReminderPartition.objects.bulk_create(ReminderPartition(run=run, number=number) for number in range(shards))
    return run


def plan_now(entity: LegalEntity, business_date: date, *, at: datetime) -> ReminderRun:
    """Plan a business date here and now. A date that was planned is left as it is."""
    run = plan(entity, business_date, at=at)
    for partition_id in pending(run):
        plan_partition(partition_id, at=at)
    finish(run, at=at)
    run.refresh_from_db()
    return run


def is_due(entity: LegalEntity, *, at: datetime) -> bool:
    """Return whether the open business date is today's: books that lag behind or run ahead remind nobody."""
    return entity.business_date == local_day(entity, at)


def pending(run: ReminderRun) -> list[int]:
    """Return the partitions of a run that are not done."""
    return list(run.partitions.filter(status=ReminderPartition.Status.PENDING).order_by("number").values_list("pk", flat=True))


@transaction.atomic
def plan_partition(partition_id: int, *, at: datetime) -> bool:
    """Plan one partition in one transaction; return whether it was done here. One that another worker holds is left to it."""
    began = clock.monotonic()
    partition = (
        ReminderPartition.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("run__legal_entity")
        .filter(pk=partition_id, status=ReminderPartition.Status.PENDING)
        .first()
    )
    if partition is None:
        return False
    run = partition.run
    rows = plan_rows(run.legal_entity, on=run.business_date)
    made = kept = 0
    if rows:
        with connection.cursor() as cursor:
            place = "(%s, %s, %s::date, %s, %s)"
            listed = ", ".join(cursor.mogrify(place, row).decode() for row in rows).replace("%", "%%")
            hour = time.fromisoformat(rules.value(HOUR, on=run.business_date))
            values: dict[str, Any] = {
                "spread": spread_minutes(run.legal_entity, run.business_date, hour),
                "days": sorted({row[2] for row in rows}),
                "entity": run.legal_entity_id,
                "shards": run.shards,
                "number": partition.number,
                "day": run.business_date,
                "hour": hour,
                "zone": run.legal_entity.zone,
                "priority": PRIORITY,
                "at": at,
            }
            cursor.execute("DROP TABLE IF EXISTS pg_temp.fresh_reminder")
            minute = send_times.SQL.format(customer="due.customer_id", day="%(day)s::date", minutes="%(spread)s")
            cursor.execute(FRESH.format(plan=listed, rest=REST, minute=minute), values)
            at_best_hours(cursor, run)
            cursor.execute("ANALYZE fresh_reminder")
            cursor.execute(MADE, values)
            made = cursor.rowcount
            cursor.execute(KEPT)
            kept = cursor.rowcount
    ReminderPartition.objects.filter(pk=partition.pk, status=ReminderPartition.Status.PENDING).update(
        status=ReminderPartition.Status.DONE,
        messages=made,
        reminders=kept,
        milliseconds=int((clock.monotonic() - began) * 1000),
        done_at=at,
    )
    return True


def spread_minutes(entity: LegalEntity, day: date, hour: time) -> int:
    """Return over how many minutes the reminders of a day are spread from their hour on: not beyond the hours of contact."""
    closes = contact_packs.held(on=day, lender=entity.code).pack.closes
    left = (closes.hour * 60 + closes.minute) - (hour.hour * 60 + hour.minute)
    return max(1, min(send_times.minutes_on(day), left))


def at_best_hours(cursor: Any, run: ReminderRun) -> None:
    """Move the reminders of whom the best hour is known into it."""
    if not send_times.BEST:
        return
    cursor.execute("SELECT DISTINCT customer_id FROM fresh_reminder")
    pack = contact_packs.held(on=run.business_date, lender=run.legal_entity.code).pack
    found = send_times.best_of([pk for (pk,) in cursor.fetchall()])
    rows = [(pk, hour) for pk, hour in found.items() if pack.opens <= time(hour) < pack.closes]
    if rows:
        day = f"DATE '{run.business_date.isoformat()}'"
        minute = send_times.SQL.format(customer="f.customer_id", day=day, minutes="60")
        execute_values(cursor.cursor, BEST.format(day=day, minute=minute), rows, page_size=5_000)


@transaction.atomic
def finish(run: ReminderRun, *, at: datetime) -> bool:
    """End a run whose partitions are all done and record what it planned; return whether it was this call."""
    row = ReminderRun.objects.select_for_update(no_key=True).get(pk=run.pk)
    if row.status != ReminderRun.Status.RUNNING or pending(row):
        return False
    parts = list(row.partitions.all())
    move(
        row,
        ReminderRun.Status.DONE,
        actor=users.system(),
        at=at,
        event="credit.reminders.planned",
        facts={
            "legal_entity": row.legal_entity_id,
            "business_date": row.business_date,
            "messages": sum(part.messages for part in parts),
            "reminders": sum(part.reminders for part in parts),
        },
        finished_at=at,
    )
    messages.hint()
    return True


# --- what still holds when a message leaves ------------------------------------------------------------------------
def values_of(batch: Sequence[Message], at: datetime) -> dict[int, Mapping[str, str] | None]:
    """Return what each reminder says now; None for one that is paid, or that a later one has overtaken. Two queries a batch."""
    owed: dict[int, Decimal] = defaultdict(Decimal)
    due_on: dict[int, date] = {}
    kinds: dict[int, str] = {}
    first = message_ways.occasions(batch)  # what goes instead of a reminder says what that one would have said
    others: dict[int, list[int]] = defaultdict(list)
    for own, of in first.items():
        others[of].append(own)
    rows = Reminder.objects.filter(message_id__in=set(first.values())).select_related("installment__loan")
    for pk, reminder in [(pk, each) for each in rows for pk in others[each.message_id]]:
        row = reminder.installment
        kinds[pk] = reminder.kind
        owed.setdefault(pk, Decimal("0.00"))
        if row.status != Installment.Status.PAID and row.loan.status == Loan.Status.OPEN:
            owed[pk] += row.outstanding
            due_on[pk] = min(row.due_on, due_on.get(pk, row.due_on))
    found: dict[int, Mapping[str, str] | None] = {}
    for message in batch:
        if message.pk not in kinds:
            continue
        day = due_on.get(message.pk)
        if day is None or owed[message.pk] <= 0 or overtaken(kinds[message.pk], day, local_day(message.customer.legal_entity, at)):
            found[message.pk] = None
            continue
        language = messages.language_of(message.customer)
        with translation.override(language):
            found[message.pk] = {
                "amount": spoken(owed[message.pk]),
                "due_on": str(long_day(day)),
                "lender": messages.sender_name(message.customer, language),
            }
    return found


def overtaken(kind: str, due_on: date, today: date) -> bool:
    """Return whether a reminder that speaks of a coming due date would come after it: the next kind says it better."""
    return not kind.startswith("T+") and today > due_on


messages.SOURCES.register(MessagePurpose.REMINDER, values_of)


@transaction.atomic
def cancel_paid(loan: Loan, *, at: datetime) -> int:
    """Take back the planned reminders of a loan's paid instalments; return how many messages. One that also reminds of another
    unpaid instalment stays: it will say what is left.
    """
    told = Reminder.objects.filter(installment__loan=loan).values("message_id")
    waiting = Message.objects.filter(Q(pk__in=told) | Q(instead_of__in=told), status__in=Message.OPEN, customer=loan.customer_id).order_by(
        "pk"
    )
    done: list[Message] = []
    unpaid = Reminder.objects.filter(installment__loan__status=Loan.Status.OPEN).exclude(installment__status=Installment.Status.PAID)
    for message in waiting.select_for_update(skip_locked=True, of=("self",), no_key=True):
        if not unpaid.filter(message=message.instead_of_id or message.pk).exists():
            messages.cancel(message, reason="paid", actor=users.system(), at=at)
            done.append(message)
    return len(done)
